"""The work of an extraction: shards that any process computes, each to the same bytes."""

import itertools
import math
import pathlib

import numpy as np

from keras_crosspool.array_file import ArrayFile
from keras_crosspool.data import image_batches, open_split
from keras_crosspool.files import atomic_path, make_directory
from keras_crosspool.models.directory import own_splits
from keras_crosspool.partials import is_partial
from keras_crosspool.retrieval import store
from keras_crosspool.retrieval.descriptor_model import DescriptorModel
from keras_crosspool.retrieval.formats import FORMATS
from keras_crosspool.retrieval.record import ExtractionRecord
from keras_crosspool.versions import MODEL_PACKAGES, package_versions


class ExtractionJob:
    """The extraction of a split, cut into shards that are computed in any order by any process.

    A shard's images are consecutive, and each shard starts with a new batch, so its bytes depend
    on the record alone. Every process that takes part makes its job of the same config.

    Args:
        config: `ExtractionConfig`.

    Attributes:
        output: `pathlib.Path`.
        record: `ExtractionRecord`.

    Raises:
        ValueError: if the options do not fit each other, the data or the model is not as
            expected, or the output is a folder of something else.
    """

    def __init__(self, config):
        if config.shard_size % config.batch_size:
            raise ValueError(
                "The shard size must be a multiple of the batch size. "
                f"Received: {config.shard_size} and {config.batch_size}"
            )
        self.output = pathlib.Path(config.output)
        _check_folder(self.output)
        self._descriptor_model = DescriptorModel(config.model, config.batch_size)
        metadata = self._descriptor_model.metadata
        data = str(config.data or metadata.data["path"])
        split = config.split or metadata.default_split("train")
        self._images = open_split(
            data,
            split,
            metadata.class_names,
            splits=own_splits(config.model),
            **config.image_options(),
        )
        self.record = ExtractionRecord(
            model=metadata.name,
            model_fingerprint=self._descriptor_model.fingerprint,
            image_size=metadata.image_size,
            data=data,
            split=split,
            data_fingerprint=self._images.fingerprint,
            skip_broken=config.skip_broken,
            images=self._images.size,
            format=config.format,
            dims=self._descriptor_model.dims,
            batch_size=config.batch_size,
            shard_size=config.shard_size,
            versions=package_versions(*MODEL_PACKAGES),
        )

    def begin(self):
        """Writes record and index where they are missing, for the processes that join.

        Raises:
            ValueError: if the folder holds the descriptors of another job.
        """
        make_directory(self.output)
        if (self.output / store.RECORD_FILE).exists():
            self.join()
        else:
            with atomic_path(self.output / store.RECORD_FILE) as path:
                path.write_text(self.record.to_json())
        if not (self.output / store.INDEX_FILE).exists():
            with atomic_path(self.output / store.INDEX_FILE) as path:
                store.write_index(path, _names_and_classes(self._images), self.record.shard_size)

    def join(self):
        """Checks that the folder was begun for this job.

        Raises:
            ValueError: if it was not begun, or holds the descriptors of another job.
        """
        differences = store.read_record(self.output).differences(self.record)
        if differences:
            raise ValueError(
                "The folder holds descriptors that were made with other settings; name another "
                f"folder, or remove this one. Received: {self.output} with {'; '.join(differences)}"
            )

    def missing(self):
        """The numbers of the shards that are not there, a list of int in rising order."""
        return store.missing_shards(self.output, self.record)

    def warm_up(self):
        """Builds the model's graph, so that what follows runs at its steady speed."""
        self._descriptor_model.warm_up()

    def write(self, numbers):
        """Computes shards and writes each whole or not at all.

        Args:
            numbers: list of int, in rising order; consecutive ones are read in one go.

        Yields:
            For each batch the number of its images, once it is computed.

        Raises:
            FloatingPointError: if a descriptor is not finite.
        """
        for run in _runs(numbers):
            rows = self._encoded_batches(run)
            for number in run:
                count = self.record.shards[number]
                batches = itertools.islice(rows, math.ceil(count / self.record.batch_size))
                with atomic_path(store.shard_path(self.output, number)) as path:
                    yield from _write_shard(path, batches, count)

    def _encoded_batches(self, run):
        start, stop = (number * self.record.shard_size for number in (run.start, run.stop))
        images = self._images.between(start, min(stop, self.record.images))
        encode = FORMATS[self.record.format].encode
        for batch, _ in image_batches(images, self.record.image_size, self.record.batch_size):
            yield encode(self._descriptor_model.compute(np.asarray(batch)))


def _check_folder(output):
    """Refuses a folder of something else before the model and the images are read."""
    if output.exists() and not output.is_dir():
        raise ValueError(f"The output must be a folder, and this is a file. Received: {output}")
    if output.is_dir() and not all(map(is_partial, output.iterdir())):
        store.read_record(output)


def _names_and_classes(split):
    for name, label in zip(split.names, split.labels, strict=True):
        yield name, split.task.label_names(label, split.class_names)


def _runs(numbers):
    """Rising numbers as ranges of consecutive ones."""
    for _, run in itertools.groupby(enumerate(numbers), lambda pair: pair[1] - pair[0]):
        run = [number for _, number in run]
        yield range(run[0], run[-1] + 1)


def _write_shard(path, batches, count):
    first = next(batches)
    with ArrayFile(path, first.dtype, (count, *first.shape[1:])) as rows:
        for batch in itertools.chain([first], batches):
            rows.append(batch)
            yield len(batch)
