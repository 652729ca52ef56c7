"""Folders of pictures: `split/class/*.jpg`, or pictures beside a `split/labels.csv`."""

import csv
import io
import itertools
import pathlib

import numpy as np

from keras_crosspool.data.checking import check_pictures, fingerprint
from keras_crosspool.data.labels_file import LABELS_FILE, read_labels
from keras_crosspool.data.split import Split, label_indices
from keras_crosspool.tasks import MULTI_LABEL, SINGLE_LABEL

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp")


def open_folder_split(root, split, class_names=None, skip_broken=False):
    """Opens `root/split/class/*`, or `root/split/labels.csv` and its pictures; see `open_split`."""
    root = pathlib.Path(root)
    folder = _split_folder(root, split)
    task, labelled, group_names = _labelled_pictures(folder)
    classes = sorted({name for _, names in labelled for name in names})
    class_names = tuple(class_names or classes)
    index = dict(zip(classes, label_indices(classes, class_names), strict=True))
    pictures = [
        (path, task.label([index[name] for name in names], len(class_names)))
        for path, names in labelled
    ]
    checked, broken = check_pictures(_encoded(pictures), len(pictures), skip_broken)
    lines = [
        f"{path.relative_to(root)} {';'.join(names)} {digest}"
        for (path, names), (*_, digest) in zip(labelled, checked, strict=True)
    ]
    whole = [str(path) not in broken for path, _ in pictures]
    pictures = list(itertools.compress(pictures, whole))
    _, groups = np.unique(list(itertools.compress(group_names, whole)), return_inverse=True)
    return Split(
        name=split,
        class_names=class_names,
        size=len(pictures),
        fingerprint=fingerprint(lines),
        encoded=lambda start=0, stop=None: _encoded(pictures[start:stop]),
        skipped=tuple(broken),
        coarse_names=_coarse_names(root / "classes.csv"),
        task=task,
        groups=tuple(groups.tolist()),
        names=tuple(str(path) for path, _ in pictures),
        labels=np.array([label for _, label in pictures], "int32"),
        read=lambda index: pictures[index][0].read_bytes(),
    )


def _split_folder(root, split):
    if not root.is_dir():
        raise ValueError(
            "There is no such folder of pictures; expected a folder laid out as "
            f"split/class/*.jpg, or tfds:NAME. Received: {root}"
        )
    if not split or not (root / split).is_dir():
        splits = ", ".join(_folders(root)) or "none"
        raise ValueError(f"{root} has no such split; it has: {splits}. Received: {split!r}")
    return root / split


def _labelled_pictures(folder):
    """The task of a split, its pictures as `(path, names of its labels)`, and their groups."""
    if (folder / LABELS_FILE).is_file():
        paths = sorted(p for p in folder.rglob("*") if _is_picture(p.relative_to(folder)))
        labels, groups = zip(*read_labels(folder, paths), strict=True)
        return MULTI_LABEL, list(zip(paths, labels, strict=True)), groups
    classes = _folders(folder)
    if not classes:
        raise ValueError(
            "The split holds no class folders; expected split/class/*.jpg, or split/labels.csv "
            f"beside the pictures. Received: {folder}"
        )
    pictures = [(path, (name,)) for name in classes for path in _pictures(folder / name)]
    return SINGLE_LABEL, pictures, ()


def _folders(parent):
    """The names of the folders in a folder, without those that programs hide for themselves."""
    return sorted(p.name for p in parent.iterdir() if p.is_dir() and p.name[0] != ".")


def _pictures(folder):
    pictures = sorted(p for p in folder.iterdir() if _is_picture(p.relative_to(folder)))
    if not pictures:
        raise ValueError(
            f"A class has no pictures; expected files ending in {', '.join(SUFFIXES)}: add some or "
            f"remove the folder. Received: {folder}"
        )
    return pictures


def _is_picture(path):
    hidden = any(part[0] == "." for part in path.parts)
    return path.suffix.lower() in SUFFIXES and not hidden


def _encoded(pictures):
    import tensorflow as tf

    paths = [str(path) for path, _ in pictures]
    labels = np.array([label for _, label in pictures])
    dataset = tf.data.Dataset.from_tensor_slices((paths, labels))
    return dataset.map(lambda path, label: (tf.io.read_file(path), label, path), tf.data.AUTOTUNE)


def _coarse_names(path):
    if not path.is_file():
        return {}
    rows = list(csv.DictReader(io.StringIO(path.read_text())))
    if rows and not {"class", "coarse_class"} <= rows[0].keys():
        raise ValueError(
            f"classes.csv needs the columns class,coarse_class. Received: {path} with "
            f"{','.join(rows[0])}"
        )
    return {row["class"]: row["coarse_class"] for row in rows}
