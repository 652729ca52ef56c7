"""Which image of a folder without splits is in which split: `splits.csv` with `file,split`."""

import csv
import itertools

from keras_crosspool.data.table import read_table
from keras_crosspool.names import normalized, readable

SPLITS_FILE = "splits.csv"
_COLUMNS = ("file", "split")
_SHOWN = 3  # names in a message


def read_splits(path):
    """Reads a table of splits.

    Args:
        path: path of the table; a file is named from the data folder on, such as `Dress/1.jpg`.

    Returns:
        dict from file to split, two str.

    Raises:
        ValueError: if the table is damaged, or names no file or no split.
        OSError: if it cannot be read.
    """
    rows = read_table(path, _COLUMNS, "file")
    for line, row in rows:
        if not row["file"] or not row["split"]:
            raise ValueError(
                "The table of splits has a row without a file or without a split. "
                f"Received: {readable(path)}, line {line}"
            )
    if not rows:
        raise ValueError(f"The table of splits has no rows. Received: {readable(path)}")
    return {normalized(row["file"]): row["split"] for _, row in rows}


def write_splits(path, splits):
    """Writes a table that `read_splits` reads.

    Args:
        path: path of the file.
        splits: mapping from file to split.
    """
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([_COLUMNS, *splits.items()])


def file_names(root, paths):
    """What images are called in the table: their names from the data folder on, composed (NFC).

    Args:
        root: path of the data folder.
        paths: the images, `pathlib.PurePath` below it.

    Returns:
        List of str.

    Raises:
        ValueError: if two names look equal.
    """
    names = [normalized(path.relative_to(root).as_posix()) for path in paths]
    if len(set(names)) < len(names):
        first = next(a for a, b in itertools.pairwise(sorted(names)) if a == b)
        raise ValueError(
            "A table of splits cannot tell files apart whose names look equal (Unicode NFC, NFD): "
            f"rename one. Received: {readable(root)}, {first}"
        )
    return names


def check_rows(path, table, wanted, names):
    """Refuses a table by which a split is not that of its making.

    Args:
        path: path of the table.
        table: dict from `read_splits`.
        wanted: sequence of str, the splits that are opened.
        names: the files that are there, as `file_names` calls them.

    Raises:
        ValueError: if it names no such split, or images of it are not there.
    """
    for split in wanted:
        if split not in table.values():
            known = ", ".join(sorted(set(table.values())))
            raise ValueError(
                f"The table of splits has no such split; it has: {known}. "
                f"Received: {readable(path)}, {split!r}"
            )
    there = set(names)
    missing = [name for name in table if table[name] in wanted and name not in there]
    if missing:
        raise ValueError(
            "Images of the table of splits are not in the folder: restore them, or remove their "
            f"rows. Received: {readable(path)}, {len(missing)} of {len(table)} missing: "
            f"{', '.join(missing[:_SHOWN])}"
        )
