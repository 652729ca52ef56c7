"""The flags of extraction, the same on one machine and on many."""

from absl import flags

from keras_crosspool.image_flags import define_image_flags
from keras_crosspool.text import printable

flags.DEFINE_string("model", None, "Model directory, as train writes it.", required=True)
flags.DEFINE_string(
    "data", None, "Folder of images split/class/*.jpg, or tfds:NAME; the training data if unset."
)
flags.DEFINE_string(
    "split", None, "Split to extract; the one that the model was trained on if unset."
)
flags.DEFINE_string("output", None, "Folder to write, or to finish.", required=True)
flags.DEFINE_enum(
    "format",
    "float16",
    ["float32", "float16", "packed"],
    "How a value is kept: 32 bits; 16 bits; or 2 bits, its sign where it is among the largest "
    "tenth of its descriptor and zero elsewhere.",
)
flags.DEFINE_integer("batch_size", 32, "Images computed at once.", 1)
flags.DEFINE_integer(
    "shard_size",
    512,
    "Descriptors in a file, a multiple of --batch_size; after a kill at most so many are computed "
    "again.",
    1,
)
define_image_flags(__name__)


def extraction_arguments():
    """The flags as the arguments of `extract`, a dict."""
    defined = flags.FLAGS.flags_by_module_dict()[__name__]
    return {flag.name: flag.value for flag in defined}


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
