"""Sessions from a table beside the images: `groups.csv` with `file,group`."""

import pathlib

import numpy as np

from keras_crosspool.data.split import Split
from keras_crosspool.data.table import read_table
from keras_crosspool.names import normalized, readable


def read_groups(path, split):
    """The session of each image of a split, from a table.

    Args:
        path: path of the table, with the columns `file` and `group`; a file is named from the
            data folder on, such as `train/Dress/1.jpg`, or from the split's folder on.
        split: `Split`, each of whose images needs a row; rows of other splits may be there. Images
            of an array have no names to look up.

    Returns:
        Sequence of str.

    Raises:
        ValueError: if the table is damaged, names files that are not there, or lacks images.
    """
    if not isinstance(split, Split) or not split.names:
        raise ValueError(
            "A table of groups names files, and these images are none: give groups as an array. "
            f"Received: groups={str(path)!r}"
        )
    root = pathlib.Path(split.root or ".")
    found = {normalized(row["file"]): row["group"] for _, row in read_table(path, _COLUMNS, "file")}
    names = [_below(root, name) for name in split.names]
    short = [name.removeprefix(f"{split.name}/") for name in names]
    keys = names if found.keys() & set(names) else short
    missing = [key for key in keys if key not in found]
    if missing:
        raise ValueError(
            f"The table of groups lacks a row for images: add file,group for each. "
            f"Received: {readable(path)}, {len(missing)} of {len(keys)} missing: "
            f"{', '.join(missing[:3])}"
        )
    _refuse_unknown(path, found.keys() - set(keys), root, split)
    return np.array([found[key] for key in keys])


_COLUMNS = ("file", "group")


def _below(root, name):
    path = pathlib.PurePath(name)
    inside = path.is_relative_to(root)
    return normalized(path.relative_to(root).as_posix() if inside else name)


def _refuse_unknown(path, others, root, split):
    """Refuses rows whose file is nowhere: a misspelt name would go unnoticed."""
    folders = (root, root / split.name)
    skipped = {pathlib.PurePath(name).name for name in split.skipped}
    unknown = [
        name
        for name in sorted(others)
        if not any((folder / name).exists() for folder in folders)
        and pathlib.PurePath(name).name not in skipped
    ]
    if unknown:
        raise ValueError(
            "The table of groups names files that are not there: correct or remove the rows. "
            f"Received: {readable(path)}, {len(unknown)} of them: {', '.join(unknown[:3])}"
        )
