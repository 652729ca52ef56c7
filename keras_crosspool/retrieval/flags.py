"""The flags of extraction, the same on one machine and on many."""

from keras_crosspool.config.flag_definitions import config_of_flags, define_flags
from keras_crosspool.config.model_use_config import ExtractionConfig
from keras_crosspool.text import printable

define_flags(ExtractionConfig, __name__)


def extraction_config():
    """The config that the flags give, an `ExtractionConfig`."""
    return config_of_flags(ExtractionConfig)


def print_extraction(done):
    """Prints what an extraction came to.

    Args:
        done: `Extraction`.
    """
    record = done.store.record
    size = sum(path.stat().st_size for path in done.store.directory.iterdir())
    print(
        f"{record.images} images of {printable(record.split)}, {record.dims} values each as "
        f"{record.format}: {size / 1e6:.1f} MB in {len(record.shards)} shards"
    )
    if done.computed < record.images:
        print(f"{record.images - done.computed} of them were there already")
    if done.computed:
        print(f"{done.computed / done.seconds:.1f} images/s")
    print(printable(f"descriptors: {done.store.directory}"))
