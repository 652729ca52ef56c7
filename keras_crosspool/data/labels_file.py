"""Labels of images in a table beside them: `labels.csv` `file,labels[,group]`."""

import collections

from keras_crosspool.data.class_list import split_classes
from keras_crosspool.data.table import read_table
from keras_crosspool.names import normalized, readable

LABELS_FILE = "labels.csv"


def read_labels(folder, files):
    """Reads which labels each image of a folder has, from the `labels.csv` in it.

    The labels of an image are joined by `;`, or written as a JSON list of strings, which names that
    hold a `;` need. None at all are allowed: a scene without any of the objects is an example too.
    A third column, `group`, may say which images belong together, such as those of one film:
    cross-validation never sets them against each other.

    Args:
        folder: `pathlib.Path`.
        files: the images, `pathlib.Path` in the folder or below; each needs a row.

    Returns:
        List of pairs, one for each of `files`: its labels, a sorted tuple of str, and its group, a
        str, or `None` where the table gives none.

    Raises:
        ValueError: if the table is damaged, a row names no image or one twice, an image has
            no row, there are no labels, or the names of two images look equal.
    """
    path = folder / LABELS_FILE
    names = [normalized(file.relative_to(folder).as_posix()) for file in files]
    alike = [name for name, count in collections.Counter(names).items() if count > 1]
    _refuse(path, "cannot tell files apart whose names look equal (Unicode NFC, NFD)", alike)
    found = {}
    for line, row in read_table(path, ("file", "labels"), "file"):
        name = normalized(row["file"])
        _refuse(path, f"names an image twice, the second time on line {line}", {name} & {*found})
        labels = {normalized(label) for label in split_classes(row["labels"])}
        found[name] = tuple(sorted(labels)), row.get("group") or None
    unknown = found.keys() - {*names}
    _refuse(path, "names files that are no images in its folder: correct or remove them", unknown)
    _refuse(path, "lacks a row for images: add it, without labels if need be, or remove them",
            {*names} - found.keys())  # fmt: skip
    if not any(labels for labels, _ in found.values()):
        raise ValueError(f"labels.csv gives no image a label. Received: {readable(path)}")
    return [found[name] for name in names]


def _refuse(path, fault, names):
    if names:
        shown = ", ".join(sorted(names)[:5])
        raise ValueError(
            f"labels.csv {fault}. Received: {readable(path)}, {len(names)} of them: {shown}"
        )
