"""Descriptors in bulk: streamed from images to shards, and taken up again after a kill."""

import dataclasses
import math
import time

from keras_crosspool.config.model_use_config import ExtractionConfig
from keras_crosspool.progress import track
from keras_crosspool.retrieval.job import ExtractionJob
from keras_crosspool.retrieval.store import DescriptorStore, open_descriptors


@dataclasses.dataclass(frozen=True)
class Extraction:
    """What a run of `extract` came to.

    Attributes:
        store: `DescriptorStore`, complete.
        computed: int, the images of this run; fewer than the store's where it was taken up.
        seconds: float, from the first of those images to the last shard; without the start, in
            which the model is loaded and every image checked.
    """

    store: DescriptorStore
    computed: int
    seconds: float


def extract(model, output, data=None, split=None, **options):
    """Writes the descriptors of a split into a folder, in constant memory.

    The folder holds `descriptors.json` (an `ExtractionRecord`), `index.csv` (image, classes,
    shard, row) and the shards. Shards are written whole or not at all, and nothing depends on the
    time or on what was there before: an extraction that was killed is taken up by the same call,
    and ends in the same bytes as one that was not.

    Args:
        model: path of a model directory.
        output: path of the folder to write.
        data: str, a folder of images or `"tfds:NAME"`. Defaults to the training data.
        split: str, name of the split. Defaults to the one that the model was trained on.
        **options: further fields of `ExtractionConfig`: `format`, `batch_size`, `shard_size`,
            `skip_broken`, `max_megapixels`.

    Returns:
        An `Extraction`.

    Raises:
        ValueError: if the arguments do not fit each other, the data or the model is not as
            expected, or the folder holds something else.

    Example:

    >>> done = extract(  # doctest: +SKIP
    ...     "quickstart/model", "descriptors", "data/grocery_mini", format="packed")
    >>> done.computed, [rows.shape for _, rows in done.store.shards()]  # doctest: +SKIP
    (320, [(320, 2, 1024)])
    """
    config = ExtractionConfig(
        model=str(model), output=str(output), data=data, split=split, **options
    )
    return run_extraction(config)


def run_extraction(config):
    """Does what `extract` does.

    Args:
        config: `ExtractionConfig`.

    Returns:
        An `Extraction`.

    Raises:
        ValueError: as `extract` does.
    """
    job = ExtractionJob(config)
    job.begin()
    missing = job.missing()
    if missing:
        job.warm_up()
    start = time.perf_counter()
    batches = math.ceil(sum(job.record.shards[number] for number in missing) / config.batch_size)
    computed = sum(track(job.write(missing), "descriptors", batches))
    return Extraction(open_descriptors(job.output), computed, time.perf_counter() - start)
