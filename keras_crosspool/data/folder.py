"""Folders of images: `split/class/*.jpg`, or images beside a `split/labels.csv`."""

import collections
import dataclasses
import functools
import itertools
import pathlib

import numpy as np

from keras_crosspool.data.checking import check_images, fingerprint
from keras_crosspool.data.coarse_classes import read_coarse_names
from keras_crosspool.data.codecs import suffixes
from keras_crosspool.data.labels_file import LABELS_FILE, read_labels
from keras_crosspool.data.listing import Listing
from keras_crosspool.data.reading import MAX_MEGAPIXELS, read_file
from keras_crosspool.data.split import Split, label_indices
from keras_crosspool.names import normalized, readable
from keras_crosspool.targets import MULTI_LABEL, SINGLE_LABEL


@dataclasses.dataclass(frozen=True)
class _Labelled:
    """The images of a split's folder before they are checked: a row of each sequence an image."""

    task: object
    paths: tuple
    classes: tuple
    groups: tuple
    left_out: collections.Counter


def open_folder_split(
    root, split, class_names=None, skip_broken=False, max_megapixels=MAX_MEGAPIXELS
):
    """Opens `root/split/class/*`, or `root/split/labels.csv` and its images; see `open_split`."""
    root = pathlib.Path(root)
    found = _labelled(_split_folder(root, split))
    classes = sorted({name for names in found.classes for name in names})
    model_classes, class_names = class_names, tuple(class_names or classes)
    index = dict(zip(classes, label_indices(classes, class_names), strict=True))
    coarse_names = read_coarse_names(root, class_names, found.task)
    read = functools.partial(read_file, max_megapixels=max_megapixels)
    items = [(readable(path), path) for path in found.paths]
    checked = check_images(items, len(items), read, skip_broken, max_megapixels)
    whole = [not image.reason for image in checked]
    paths, labelled, groups, used = (
        tuple(itertools.compress(values, whole))
        for values in (found.paths, found.classes, found.groups, checked)
    )
    if model_classes is None:
        _refuse_classes_without_images(classes, labelled, root / split)
    labels = [found.task.label([index[n] for n in row], len(class_names)) for row in labelled]
    return Split(
        name=split,
        class_names=class_names,
        size=len(paths),
        fingerprint=fingerprint(
            f"{readable(path.relative_to(root))} {';'.join(row)} {image.sha256}"
            for path, row, image in zip(paths, labelled, used, strict=True)
        ),
        encoded=lambda indices: (read(paths[index]) for index in indices),
        skipped=tuple(image.name for image in checked if image.reason),
        left_out=dict(found.left_out + collections.Counter(x.reason for x in checked if x.reason)),
        coarse_names=coarse_names,
        task=found.task,
        groups=_numbered(groups),
        grouped_by=LABELS_FILE if any(groups) else "",
        root=str(root),
        names=tuple(image.name for image in used),
        labels=np.array(labels, "int32"),
        read=lambda index: read(paths[index]),
        max_megapixels=max_megapixels,
    )


def folder_splits(root):
    """The splits of a folder of images: its folders that hold classes with images, or labels.csv.

    Args:
        root: path of the folder.

    Returns:
        tuple of str, sorted.

    Raises:
        ValueError: if there is no such folder, or no split in it.
    """
    root = pathlib.Path(root)
    _refuse_missing(root)
    names = tuple(name for name in _folders(root) if _holds_images(root / name))
    if not names:
        raise ValueError(
            "The folder holds no split with images; expected a folder laid out as "
            f"split/class/*.jpg, or with split/labels.csv. Received: {readable(root)}"
        )
    return names


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
    found = _labelled(_split_folder(pathlib.Path(root), split))
    return tuple(sorted({name for names in found.classes for name in names}))


def _holds_images(folder):
    listing = Listing(folder)
    if (folder / LABELS_FILE).is_file():
        return True
    return any(listing.images_in(path) for path in listing.class_folders())


def _folders(root):
    return sorted(path.name for path in root.iterdir() if path.is_dir() and path.name[0] != ".")


def _numbered(groups):
    """Groups as numbers, an image without one by itself; empty if no image has one."""
    if not any(groups):
        return ()
    own = [(1, group) if group else (0, str(index)) for index, group in enumerate(groups)]
    index = {group: number for number, group in enumerate(dict.fromkeys(own))}
    return tuple(index[group] for group in own)


def _split_folder(root, split):
    _refuse_missing(root)
    if not split or not (root / split).is_dir():
        raise ValueError(
            f"{readable(root)} has no such split; it has: "
            f"{', '.join(map(readable, _folders(root))) or 'none'}. Received: {split!r}"
        )
    return root / split


def _refuse_missing(root):
    if not root.is_dir():
        raise ValueError(
            "There is no such folder of images; expected a folder laid out as "
            f"split/class/*.jpg, or tfds:NAME. Received: {readable(root)}"
        )


def _labelled(folder):
    listing = Listing(folder)
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


def _refuse_classes_without_images(classes, labelled, folder):
    lost = sorted(set(classes) - {name for names in labelled for name in names})
    if lost:
        raise ValueError(
            "Without the broken images some classes have none: replace them, or remove the "
            f"classes. Received: {readable(folder)} with {', '.join(lost[:5])}"
        )
