"""Labels of pictures in a table beside them: `labels.csv` `file,labels[,group]`."""

import csv
import io

LABELS_FILE = "labels.csv"
_COLUMNS = ("file", "labels")
_SEPARATOR = ";"


def read_labels(folder, files):
    """Reads which labels each picture of a folder has, from the `labels.csv` in it.

    The labels of a picture are joined by `;`. None at all are allowed: a scene without any of the
    objects is an example too. A third column, `group`, may say which pictures belong together,
    such as those of one film: cross-validation never sets them against each other.

    Args:
        folder: `pathlib.Path`.
        files: the pictures, `pathlib.Path` in the folder or below; each needs a row.

    Returns:
        List of pairs, one for each of `files`: its labels, a sorted tuple of str, and its group, a
        str, by default its own name.

    Raises:
        ValueError: if the columns are others, a row names no picture or one twice, a picture has
            no row, or there are no labels.
    """
    table = folder / LABELS_FILE
    rows = csv.DictReader(io.StringIO(table.read_text("utf-8-sig")))
    missing = [name for name in _COLUMNS if name not in (rows.fieldnames or ())]
    if missing:
        raise ValueError(
            f"labels.csv needs the columns {','.join(_COLUMNS)}, with the labels of a picture "
            f"joined by {_SEPARATOR}. Received: {table} with {','.join(rows.fieldnames or ())}"
        )
    found, twice = {}, []
    for row in rows:
        if row["file"] in found:
            twice.append(row["file"])
        found[row["file"]] = _names(row["labels"]), row.get("group") or row["file"]
    names = [path.relative_to(folder).as_posix() for path in files]
    _refuse(table, "names pictures twice: leave one row of each", twice)
    unknown = found.keys() - set(names)
    _refuse(
        table, "names files that are no pictures in its folder: correct or remove them", unknown
    )
    _refuse(table, "lacks a row for pictures: add it, without labels if need be, or remove them",
            set(names) - found.keys())  # fmt: skip
    if not any(labels for labels, _ in found.values()):
        raise ValueError(f"labels.csv gives no picture a label. Received: {table}")
    return [found[name] for name in names]


def _names(joined):
    names = (name.strip() for name in (joined or "").split(_SEPARATOR))
    return tuple(sorted({name for name in names if name}))


def _refuse(table, fault, names):
    if names:
        shown = ", ".join(sorted(names)[:5])
        raise ValueError(f"labels.csv {fault}. Received: {table}, {len(names)} of them: {shown}")
