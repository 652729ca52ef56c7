"""Folders of images: `split/class/*.jpg`, or images beside a `split/labels.csv`.

Without splits, `class/*.jpg` or images beside a `labels.csv`, a table says what is in which split.
"""

import collections
import dataclasses
import functools
import itertools
import pathlib

import numpy as np

from keras_crosspool.data.checking import check_images, fingerprint
from keras_crosspool.data.coarse_classes import CLASSES_FILE, read_coarse_names
from keras_crosspool.data.codecs import suffixes
from keras_crosspool.data.labels_file import LABELS_FILE, read_labels
from keras_crosspool.data.layout import ALL, check_folder, has_splits, holds_classes, splits_of
from keras_crosspool.data.listing import Listing
from keras_crosspool.data.reading import MAX_MEGAPIXELS, read_file
from keras_crosspool.data.split import Split, label_indices
from keras_crosspool.data.splits_file import check_rows, file_names, read_splits
from keras_crosspool.names import normalized, readable
from keras_crosspool.targets import MULTI_LABEL, SINGLE_LABEL

GROUPS_FILE = "groups.csv"  # which images were taken together, in the data folder
_TABLES = (LABELS_FILE, CLASSES_FILE, GROUPS_FILE)  # which lie beside class folders


@dataclasses.dataclass(frozen=True)
class _Labelled:
    """The images of a split's folder before they are checked: a row of each sequence an image."""

    task: object
    paths: tuple
    classes: tuple
    groups: tuple
    left_out: collections.Counter

    def chosen(self, flags):
        """Those whose flag is true."""
        rows = {
            name: tuple(itertools.compress(getattr(self, name), flags))
            for name in ("paths", "classes", "groups")
        }
        return dataclasses.replace(self, **rows)


def open_folder_split(
    root, split, class_names=None, skip_broken=False, max_megapixels=MAX_MEGAPIXELS, splits=None
):
    """Opens a split of a folder of images; see `open_split`."""
    root = pathlib.Path(root)
    check_folder(root)
    unsplit = _is_unsplit(root, split)
    found = _labelled(root, _TABLES) if unsplit else _labelled(root / split)
    classes = sorted({name for names in found.classes for name in names})
    model_classes, class_names = class_names, tuple(class_names or classes)
    if unsplit and split != ALL:
        found = _in_split(found, root, split, splits)
    index = dict(zip(classes, label_indices(classes, class_names), strict=True))
    coarse_names = read_coarse_names(root, class_names, found.task)
    read = functools.partial(read_file, max_megapixels=max_megapixels)
    items = [(readable(path), path) for path in found.paths]
    checked = check_images(items, len(items), read, skip_broken, max_megapixels)
    whole = found.chosen([not image.reason for image in checked])
    used = [image for image in checked if not image.reason]
    if model_classes is None:
        _refuse_classes_without_images(found.classes, whole.classes, root / split)
    labels = [found.task.label([index[n] for n in row], len(class_names)) for row in whole.classes]
    digests = tuple(
        f"{readable(path.relative_to(root))} {';'.join(row)} {image.sha256}"
        for path, row, image in zip(whole.paths, whole.classes, used, strict=True)
    )
    return Split(
        name=split,
        class_names=class_names,
        size=len(used),
        fingerprint=fingerprint(digests),
        encoded=lambda indices: (read(whole.paths[index]) for index in indices),
        skipped=tuple(image.name for image in checked if image.reason),
        left_out=dict(found.left_out + collections.Counter(x.reason for x in checked if x.reason)),
        coarse_names=coarse_names,
        task=found.task,
        groups=_numbered(whole.groups),
        grouped_by=LABELS_FILE if any(whole.groups) else "",
        root=str(root),
        names=tuple(image.name for image in used),
        labels=np.array(labels, "int32"),
        read=lambda index: read(whole.paths[index]),
        max_megapixels=max_megapixels,
        digests=digests,
    )


def folder_splits(root):
    """The splits of a folder of images.

    Args:
        root: path of the folder.

    Returns:
        tuple of str, sorted; `"all"` alone for a folder without splits.

    Raises:
        ValueError: if there is no such folder, or it holds no images.
    """
    root = pathlib.Path(root)
    return tuple(splits_of(root)) if has_splits(root) else (ALL,)


def folder_classes(root, split):
    """The classes of a split of a folder of images, whether their images can be read or not.

    Args:
        root: path of the folder.
        split: str.

    Returns:
        tuple of str, sorted.

    Raises:
        ValueError: as `open_split` does.
    """
    root = pathlib.Path(root)
    found = _labelled(root, _TABLES) if _is_unsplit(root, split) else _labelled(root / split)
    return tuple(sorted({name for names in found.classes for name in names}))


def _numbered(groups):
    """Groups as numbers, an image without one by itself; empty if no image has one."""
    if not any(groups):
        return ()
    own = [(1, group) if group else (0, str(index)) for index, group in enumerate(groups)]
    index = {group: number for number, group in enumerate(dict.fromkeys(own))}
    return tuple(index[group] for group in own)


def _is_unsplit(root, split):
    """Whether a split is one of a folder without splits; refuses one that is not there."""
    is_folder = bool(split) and (root / split).is_dir()
    if is_folder and (holds_classes(root / split) or splits_of(root)):
        return False
    if has_splits(root):
        folders = sorted(p.name for p in root.iterdir() if p.is_dir() and p.name[0] != ".")
        raise ValueError(
            f"{readable(root)} has no such split; it has: "
            f"{', '.join(map(readable, folders)) or 'none'}. Received: {split!r}"
        )
    return True


def _in_split(found, root, split, splits):
    """The images that are in a split by a table; what is in none of the table's is counted."""
    if not splits:
        raise ValueError(
            "The folder has no splits: name a table `splits` (file,split), as training writes it, "
            f"or the split {ALL!r}, which is the whole folder. "
            f"Received: {readable(root)}, split {split!r}"
        )
    table, names = read_splits(splits), file_names(root, found.paths)
    check_rows(splits, table, [split], names)
    unknown = sum(name not in table for name in names)
    left_out = found.left_out + collections.Counter({"in no split": unknown})
    chosen = found.chosen([table.get(name) == split for name in names])
    return dataclasses.replace(chosen, left_out=left_out)


def _labelled(folder, tables=(LABELS_FILE,)):
    listing = Listing(folder, tables)
    if (folder / LABELS_FILE).is_file():
        paths = listing.images_below()
        rows = read_labels(folder, paths)
        classes, groups = zip(*rows, strict=True)
        return _Labelled(MULTI_LABEL, tuple(paths), classes, groups, listing.left_out)
    folders = listing.class_folders()
    if not folders:
        raise ValueError(
            "The split holds no class folders; expected split/class/*.jpg, or split/labels.csv "
            f"beside the images. Received: {readable(folder)}"
        )
    _refuse_classes_that_look_equal(folders)
    images = [
        (path, (normalized(folder.name),))
        for folder in folders
        for path in _images(listing, folder)
    ]
    paths, classes = zip(*images, strict=True)
    return _Labelled(SINGLE_LABEL, paths, classes, (), listing.left_out)


def _images(listing, folder):
    before = listing.left_out.copy()
    images = listing.images_in(folder)
    if not images:
        others = ", ".join(f"{n} {reason}" for reason, n in (listing.left_out - before).items())
        raise ValueError(
            f"A class has no images; expected files ending in {', '.join(sorted(suffixes()))}: "
            f"add some or remove the folder. Received: {readable(folder)}, which holds "
            f"{others or 'nothing'}"
        )
    return images


def _refuse_classes_that_look_equal(folders):
    names = collections.Counter(normalized(folder.name) for folder in folders)
    alike = [name for name, count in names.items() if count > 1]
    if alike:
        raise ValueError(
            "Two folders have class names that look equal (one composed, one decomposed; Unicode "
            f"NFC and NFD): put their images into one. Received: {folders[0].parent}, "
            f"{', '.join(alike)}"
        )


def _refuse_classes_without_images(before, after, folder):
    lost = sorted({*itertools.chain(*before)} - {*itertools.chain(*after)})
    if lost:
        raise ValueError(
            "Without the broken images some classes have none: replace them, or remove the "
            f"classes. Received: {readable(folder)} with {', '.join(lost[:5])}"
        )
