"""How a folder of images is laid out: with splits, or without."""

import contextlib
import os
import pathlib

from keras_crosspool.data.codecs import looks_like_image
from keras_crosspool.data.labels_file import LABELS_FILE
from keras_crosspool.names import readable

ALL = "all"  # what all images of a folder without splits are called
# A folder of such a name that holds class folders is a split, even with images beside them.
_SPLIT_NAMES = frozenset(
    ("train", "training", "val", "valid", "validation", "dev", "test", "testing", "eval")
)
_SHOWN = 3  # names in a message


def has_splits(data):
    """Whether the images of a folder are parted into splits.

    Args:
        data: str or path, a folder, or `"tfds:NAME"`, which has splits.

    Returns:
        bool: `True` for `split/class/*.jpg` and `split/labels.csv`, `False` for `class/*.jpg` and
        for one `labels.csv` beside the images.

    Raises:
        ValueError: if the folder is not there, is neither, or is both.

    Example:

    >>> has_splits("data/grocery_mini"), has_splits("data/grocery_mini/train")
    (True, False)
    """
    if str(data).startswith("tfds:"):
        return True
    root = pathlib.Path(data)
    check_folder(root)
    splits, labelled = splits_of(root), (root / LABELS_FILE).is_file()
    classes = [path.name for path in _folders(root) if _holds_images(path)]
    classes = [name for name in classes if name not in splits]
    if splits and (classes or labelled):
        raise ValueError(
            "It is not clear what is a split and what a class: keep either split/class/*.jpg or "
            f"class/*.jpg in the folder, or name the split. Received: {readable(root)} with "
            f"class folders in {_some(splits)}, and images in {_some(classes) or LABELS_FILE}"
        )
    if splits or labelled:
        return bool(splits)
    if not classes:
        _refuse_without_classes(root)
    if _SPLIT_NAMES.issuperset(map(str.lower, classes)):
        raise ValueError(
            "The splits hold no class folders; expected split/class/*.jpg, or split/labels.csv "
            f"beside the images. Received: {readable(root)} with images in {_some(classes)}"
        )
    return False


def check_folder(root):
    """Refuses what is no folder.

    Raises:
        ValueError: if it is none.
    """
    if not root.is_dir():
        raise ValueError(
            "There is no such folder of images; expected a folder laid out as "
            f"split/class/*.jpg or class/*.jpg, or tfds:NAME. Received: {readable(root)}"
        )


def splits_of(root):
    """The names of the folders in a folder that hold class folders or a `labels.csv`, sorted."""
    labelled = (root / LABELS_FILE).is_file()  # then folders below need not be class folders
    is_split = _is_labelled if labelled else _is_split
    return [path.name for path in _folders(root) if is_split(path)]


def holds_classes(folder):
    """Whether a folder holds folders with images, or a `labels.csv`, as that of a split does."""
    return _is_labelled(folder) or any(_holds_images(path) for path in _folders(folder))


def _is_split(folder):
    if folder.name.lower() not in _SPLIT_NAMES and _holds_images(folder):
        return False  # folders below a class are left out and counted
    return holds_classes(folder)


def _is_labelled(folder):
    return (folder / LABELS_FILE).is_file()


def _holds_images(folder):
    return any(looks_like_image(entry.name) and entry.is_file() for entry in _entries(folder))


def _folders(folder):
    names = sorted(entry.name for entry in _entries(folder) if entry.is_dir())
    return [folder / name for name in names]


def _entries(folder):
    """What is in a folder and not hidden; nothing where it may not be read, as `lost+found`."""
    with contextlib.suppress(PermissionError), os.scandir(folder) as entries:
        yield from (entry for entry in entries if entry.name[0] != ".")


def _refuse_without_classes(root):
    found = [entry.name for entry in _entries(root)]
    if any(map(looks_like_image, found)):
        raise ValueError(
            "The images lie in no class folders: sort them as class/*.jpg, or put labels.csv "
            f"(file,labels) beside them. Received: {readable(root)} with {_some(sorted(found))}"
        )
    raise ValueError(
        "The folder holds no images; expected split/class/*.jpg or class/*.jpg. "
        f"Received: {readable(root)}, which holds {_some(sorted(found)) or 'nothing'}"
    )


def _some(names):
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(map(readable, names[:_SHOWN])) + more
