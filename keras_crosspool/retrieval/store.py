"""Folders of descriptors: a record, an index of the pictures, and shards to be memory-mapped."""

import csv
import dataclasses
import pathlib

import numpy as np

from keras_crosspool.data.class_list import join_classes, split_classes
from keras_crosspool.retrieval.formats import FORMATS
from keras_crosspool.retrieval.record import ExtractionRecord

RECORD_FILE = "descriptors.json"
INDEX_FILE = "index.csv"


@dataclasses.dataclass(frozen=True)
class IndexRow:
    """Where the descriptor of one picture stands.

    Attributes:
        picture: str, the picture's name as its split calls it.
        classes: tuple of str, the classes of its labels.
        shard: int, the number of the file.
        row: int, the row in it.
    """

    picture: str
    classes: tuple[str, ...]
    shard: int
    row: int


@dataclasses.dataclass(frozen=True)
class DescriptorStore:
    """A whole folder of descriptors, opened for reading.

    Attributes:
        directory: `pathlib.Path`.
        record: `ExtractionRecord`.
        index: tuple of `IndexRow`, in the order of the descriptors.
    """

    directory: pathlib.Path
    record: ExtractionRecord
    index: tuple[IndexRow, ...]

    @property
    def format(self):
        """The `DescriptorFormat` of the rows."""
        return FORMATS[self.record.format]

    def shards(self):
        """Goes through the files in order.

        Yields:
            The index of the first row among all, and the rows, a memory-mapped array whose first
            axis is the pictures.
        """
        start = 0
        for number, count in enumerate(self.record.shards):
            yield start, np.load(shard_path(self.directory, number), mmap_mode="r")
            start += count


def open_descriptors(directory):
    """Opens a folder of descriptors.

    Args:
        directory: path of a folder that `extract` wrote.

    Returns:
        A `DescriptorStore`.

    Raises:
        ValueError: if the folder is none, is damaged, or the extraction has not come to its end.
    """
    directory = pathlib.Path(directory)
    record = read_record(directory)
    missing = len(missing_shards(directory, record))
    if missing or not (directory / INDEX_FILE).is_file():
        raise ValueError(
            f"The extraction has not come to its end: {missing} of {len(record.shards)} shards are "
            f"missing; run keras_crosspool.extract again with the same flags. Received: {directory}"
        )
    index = read_index(directory)
    if len(index) != record.pictures:
        raise ValueError(
            f"{INDEX_FILE} does not belong to {RECORD_FILE}: it names {len(index)} of "
            f"{record.pictures} pictures; extract again. Received: {directory}"
        )
    return DescriptorStore(directory, record, index)


def shard_path(directory, number):
    """The path of a shard."""
    return pathlib.Path(directory) / f"descriptors-{number:05d}.npy"


def missing_shards(directory, record):
    """The numbers of the shards that are not there, in rising order; one that is there is whole.

    Args:
        directory: path of the folder.
        record: its `ExtractionRecord`.

    Returns:
        List of int.
    """
    numbers = range(len(record.shards))
    return [number for number in numbers if not shard_path(directory, number).is_file()]


def read_record(directory):
    """Reads the record of a folder of descriptors.

    Raises:
        ValueError: if the folder has none, or it is damaged.
    """
    path = pathlib.Path(directory) / RECORD_FILE
    if not path.is_file():
        raise ValueError(
            f"This is no folder of descriptors: {RECORD_FILE} is missing. Expected one written by "
            f"keras_crosspool.extract. Received: {directory}"
        )
    try:
        return ExtractionRecord.from_json(path.read_text())
    except ValueError as error:
        raise ValueError(f"{RECORD_FILE} is damaged: extract again. {error}") from error


def read_index(directory):
    """Reads the index of a folder of descriptors, a tuple of `IndexRow`."""
    with (pathlib.Path(directory) / INDEX_FILE).open(newline="", encoding="utf-8") as file:
        return tuple(
            IndexRow(
                row["picture"], split_classes(row["classes"]), int(row["shard"]), int(row["row"])
            )
            for row in csv.DictReader(file)
        )


def write_index(path, names_and_classes, shard_size):
    """Writes the index of a folder of descriptors.

    Args:
        path: path of the file.
        names_and_classes: iterable of `(picture, classes)`, str and a sequence of str.
        shard_size: int, descriptors in a file.
    """
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([field.name for field in dataclasses.fields(IndexRow)])
        for number, (name, classes) in enumerate(names_and_classes):
            writer.writerow([name, join_classes(classes), *divmod(number, shard_size)])
