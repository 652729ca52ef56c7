"""Folders of descriptors: a record, an index of the images, and shards to be memory-mapped."""

import csv
import dataclasses
import pathlib
import struct
import tokenize

import numpy as np

from keras_crosspool import records
from keras_crosspool.data.class_list import join_classes, split_classes
from keras_crosspool.data.table import read_table
from keras_crosspool.retrieval.formats import FORMATS
from keras_crosspool.retrieval.record import ExtractionRecord
from keras_crosspool.text import shortened

RECORD_FILE = "descriptors.json"
INDEX_FILE = "index.csv"
_SHARDS = "descriptors-*.npy"
_REASON = 300  # characters of what a library says
# A damaged header is read as a Python literal, which gives a type and a shape of any size.
_HEADER_ERRORS = (
    ValueError,
    TypeError,
    EOFError,
    ArithmeticError,
    MemoryError,
    RecursionError,
    SyntaxError,
    tokenize.TokenError,
    struct.error,
)


@dataclasses.dataclass(frozen=True)
class IndexRow:
    """Where the descriptor of one image stands.

    Attributes:
        image: str, the image's name as its split calls it.
        classes: tuple of str, the classes of its labels.
        shard: int, the number of the file.
        row: int, the row in it.
    """

    image: str
    classes: tuple[str, ...]
    shard: int
    row: int


_COLUMNS = [field.name for field in dataclasses.fields(IndexRow)]


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
            axis is the images.

        Raises:
            ValueError: if a file does not hold what the record says.
        """
        start = 0
        for number, count in enumerate(self.record.shards):
            yield start, self._rows(shard_path(self.directory, number), count)
            start += count

    def _rows(self, path, count):
        kept = self.format.encode(np.zeros((1, self.record.dims), "float32"))
        rows = _mapped(path)
        expected = f"{kept.dtype} {(count, *kept.shape[1:])}"
        found = f"{rows.dtype} {rows.shape}{'' if rows.flags.c_contiguous else ' by columns'}"
        more = path.stat().st_size - rows.offset - rows.nbytes
        if found != expected or more:
            raise ValueError(
                f"The file is damaged: expected {expected}, found {found} and {more} bytes behind; "
                f"remove it and extract again. Received: {path}"
            )
        return rows


def open_descriptors(directory):
    """Opens a folder of descriptors.

    Args:
        directory: path of a folder that `extract` wrote.

    Returns:
        A `DescriptorStore`.

    Raises:
        ValueError: if it is no such folder, is damaged, or the extraction is not complete.
    """
    directory = pathlib.Path(directory)
    record = read_record(directory)
    # Counted by what is there: a damaged record may speak of shards without end.
    missing = record.shard_count - len(list(directory.glob(_SHARDS)))
    if missing > 0 or not (directory / INDEX_FILE).is_file():
        raise ValueError(
            f"The extraction is not complete: {max(missing, 0)} of {record.shard_count} "
            "shards are missing; run keras_crosspool.extract again with the same flags. "
            f"Received: {directory}"
        )
    index = read_index(directory)
    if len(index) != record.images:
        raise ValueError(
            f"{INDEX_FILE} does not belong to {RECORD_FILE}: it names {len(index)} of "
            f"{record.images} images; extract again. Received: {directory}"
        )
    _check_rows(index, record, directory)
    return DescriptorStore(directory, record, index)


def _check_rows(index, record, directory):
    """Refuses an index that does not name every row of every shard once."""
    rows = ((n, row) for n, count in enumerate(record.shards) for row in range(count))
    for entry, expected in zip(index, rows, strict=True):
        if (entry.shard, entry.row) != expected:
            raise ValueError(
                f"{INDEX_FILE} is damaged: shard {entry.shard}, row {entry.row} stands where shard "
                f"{expected[0]}, row {expected[1]} is expected, once; remove it and extract again. "
                f"Received: {directory}"
            )


def _mapped(path):
    """The memory-mapped array of a file that NumPy wrote."""
    try:
        return np.lib.format.open_memmap(path, mode="r")
    except _HEADER_ERRORS as error:
        raise ValueError(
            f"The file is damaged: remove it and extract again ({shortened(error, _REASON)}). "
            f"Received: {path}"
        ) from error


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
    return records.read_record(ExtractionRecord, path, "extract again")


def read_index(directory):
    """Reads the index of a folder of descriptors.

    Args:
        directory: path of the folder.

    Returns:
        Tuple of `IndexRow` in the order of the descriptors, whatever the order of the lines.

    Raises:
        ValueError: if the file or a line of it is damaged.
    """
    path = pathlib.Path(directory) / INDEX_FILE
    rows = [_index_row(path, line, row) for line, row in read_table(path, _COLUMNS, "image")]
    return tuple(sorted(rows, key=lambda entry: (entry.shard, entry.row)))


def _index_row(path, line, row):
    try:
        place = int(row["shard"]), int(row["row"])
    except ValueError as error:
        raise ValueError(
            f"{path.name} is damaged: remove it and extract again "
            f"({shortened(error, _REASON)}). Received: {path}, line {line}"
        ) from error
    return IndexRow(row["image"], split_classes(row["classes"]), *place)


def write_index(path, names_and_classes, shard_size):
    """Writes the index of a folder of descriptors.

    Args:
        path: path of the file.
        names_and_classes: iterable of `(image, classes)`, str and a sequence of str.
        shard_size: int, descriptors in a file.
    """
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(_COLUMNS)
        for number, (name, classes) in enumerate(names_and_classes):
            writer.writerow([name, join_classes(classes), *divmod(number, shard_size)])
