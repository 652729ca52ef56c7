"""Descriptors in bulk: streamed from pictures to shards, and taken up again after a kill."""

import dataclasses
import itertools
import math
import pathlib
import re
import time

import numpy as np

from keras_crosspool.data import open_split, picture_batches
from keras_crosspool.files import atomic_path
from keras_crosspool.progress import track
from keras_crosspool.retrieval import store
from keras_crosspool.retrieval.describer import Describer
from keras_crosspool.retrieval.formats import FORMATS
from keras_crosspool.retrieval.record import ExtractionRecord
from keras_crosspool.training.report import library_versions


@dataclasses.dataclass(frozen=True)
class Extraction:
    """What a run of `extract` came to.

    Attributes:
        store: `DescriptorStore`, complete.
        computed: int, the pictures of this run; fewer than the store's where it was taken up.
        seconds: float, from the first of those pictures to the last shard; without the start, in
            which the model is loaded and every picture checked.
    """

    store: store.DescriptorStore
    computed: int
    seconds: float


def extract(
    model,
    output,
    data=None,
    split="train",
    format="float16",
    batch_size=32,
    shard_size=512,
    skip_broken=False,
):
    """Writes the descriptors of a split into a folder, in constant memory.

    The folder holds `descriptors.json` (an `ExtractionRecord`), `index.csv` (picture, classes,
    shard, row) and the shards. Shards are written whole or not at all, and nothing depends on the
    time or on what was there before: an extraction that was killed is taken up by the same call,
    and ends in the same bytes as one that was not.

    Args:
        model: path of a model directory.
        output: path of the folder to write.
        data: str, a folder of pictures or `"tfds:NAME"`. Defaults to the training data.
        split: str, name of the split. Defaults to `"train"`.
        format: a key of `FORMATS`. Defaults to `"float16"`.
        batch_size: int, pictures computed at once. Defaults to `32`.
        shard_size: int, descriptors in a file, a multiple of the batch size, so that batches fall
            alike wherever the work is taken up. Defaults to `512`.
        skip_broken: bool, whether pictures that cannot be decoded are left out instead of
            stopping. Defaults to `False`.

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
    if format not in FORMATS:
        raise ValueError(f"format must be one of {', '.join(FORMATS)}. Received: {format!r}")
    if shard_size % batch_size:
        raise ValueError(
            "The shard size must be a multiple of the batch size. "
            f"Received: {shard_size} and {batch_size}"
        )
    output = pathlib.Path(output)
    _check_folder(output)
    describer = Describer(model, batch_size)
    metadata = describer.metadata
    data = str(data or metadata.data["path"])
    pictures = open_split(data, split, metadata.class_names, skip_broken)
    record = ExtractionRecord(
        model=metadata.name,
        model_fingerprint=describer.fingerprint,
        image_size=metadata.image_size,
        data=data,
        split=split,
        data_fingerprint=pictures.fingerprint,
        skip_broken=skip_broken,
        pictures=pictures.size,
        format=format,
        dims=describer.dims,
        batch_size=batch_size,
        shard_size=shard_size,
        versions=library_versions(),
    )
    _prepare(output, record, pictures)
    done = store.finished_shards(output, record)
    rest = _without_first(pictures, min(done * shard_size, pictures.size))
    if rest.size:
        describer.warm_up()
    start = time.perf_counter()
    rows = _encoded_batches(describer, rest, FORMATS[format])
    for number, count in list(enumerate(record.shards))[done:]:
        with atomic_path(store.shard_path(output, number)) as path:
            _write_shard(path, itertools.islice(rows, math.ceil(count / batch_size)), count)
    seconds = time.perf_counter() - start
    return Extraction(store.open_descriptors(output), rest.size, seconds)


def _check_folder(output):
    """Refuses a folder of something else before the model and the pictures are read."""
    if output.exists() and not output.is_dir():
        raise ValueError(f"The output must be a folder, and this is a file. Received: {output}")
    if output.is_dir() and any(not _is_partial(path) for path in output.iterdir()):
        store.read_record(output)


def _prepare(output, record, pictures):
    """Writes record and index where they are missing; refuses the descriptors of another run."""
    output.mkdir(parents=True, exist_ok=True)
    for path in filter(_is_partial, output.iterdir()):
        path.unlink()
    if (output / store.RECORD_FILE).exists():
        differences = store.read_record(output).differences(record)
        if differences:
            raise ValueError(
                "The folder holds descriptors that were made otherwise; name another folder, or "
                f"remove this one. Received: {output} with {'; '.join(differences)}"
            )
    else:
        with atomic_path(output / store.RECORD_FILE) as path:
            path.write_text(record.to_json())
    if not (output / store.INDEX_FILE).exists():
        with atomic_path(output / store.INDEX_FILE) as path:
            store.write_index(path, _names_and_classes(pictures), record.shard_size)


def _is_partial(path):
    """Whether a file is what `atomic_path` had begun when its process was killed."""
    return re.fullmatch(r"\..+\.\d+\.partial(\..+)?", path.name) is not None


def _names_and_classes(split):
    for _, label, name in split.encoded().as_numpy_iterator():
        yield name.decode(), split.task.label_names(label, split.class_names)


def _without_first(split, count):
    return dataclasses.replace(
        split, size=split.size - count, encoded=lambda: split.encoded().skip(count)
    )


def _encoded_batches(describer, split, kept):
    batches = picture_batches(split, describer.metadata.image_size, describer.batch_size)
    for pictures, _ in track(batches, "descriptors"):
        yield kept.encode(describer.describe(np.asarray(pictures)))


def _write_shard(path, batches, count):
    first = next(batches)
    rows = np.lib.format.open_memmap(path, "w+", first.dtype, (count, *first.shape[1:]))
    start = 0
    for batch in itertools.chain([first], batches):
        rows[start : start + len(batch)] = batch
        start += len(batch)
