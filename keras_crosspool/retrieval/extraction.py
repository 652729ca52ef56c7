"""Descriptors in bulk: streamed from images to shards, and taken up again after a kill."""

import dataclasses
import math
import time

from keras_crosspool.data import MAX_MEGAPIXELS
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


def extract(
    model,
    output,
    data=None,
    split=None,
    format="float16",
    batch_size=32,
    shard_size=512,
    skip_broken=False,
    max_megapixels=MAX_MEGAPIXELS,
):
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
        format: a key of `FORMATS`. Defaults to `"float16"`.
        batch_size: int, images computed at once. Defaults to `32`.
        shard_size: int, descriptors in a file, a multiple of the batch size, so that batches fall
            alike wherever the work is taken up. Defaults to `512`.
        skip_broken: bool, whether images that cannot be used are left out instead of stopping.
            Defaults to `False`.
        max_megapixels: float, the largest image that is decoded. Defaults to `MAX_MEGAPIXELS`.

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
    job = ExtractionJob(
        model, output, data, split, format, batch_size, shard_size, skip_broken, max_megapixels
    )
    job.begin()
    missing = job.missing()
    if missing:
        job.warm_up()
    start = time.perf_counter()
    batches = math.ceil(sum(job.record.shards[number] for number in missing) / batch_size)
    computed = sum(track(job.write(missing), "descriptors", batches))
    return Extraction(open_descriptors(output), computed, time.perf_counter() - start)
