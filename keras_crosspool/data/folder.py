"""Folders of pictures laid out as `split/class/*.jpg`."""

import csv
import io
import pathlib

from keras_crosspool.data.checking import check_pictures, fingerprint
from keras_crosspool.data.split import Split, label_indices

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp")


def open_folder_split(root, split, class_names=None, skip_broken=False):
    """Opens `root/split/class/*` as a `Split`; see `open_split`."""
    root = pathlib.Path(root)
    classes = _classes(root, split)
    class_names = tuple(class_names or classes)
    indices = label_indices(classes, class_names)
    pictures = [
        (path, label)
        for name, label in zip(classes, indices, strict=True)
        for path in _pictures(root / split / name)
    ]
    checked, broken = check_pictures(_encoded(pictures), len(pictures), skip_broken)
    lines = [f"{pathlib.Path(name).relative_to(root)} {digest}" for name, _, digest in checked]
    pictures = [(path, label) for path, label in pictures if str(path) not in broken]
    return Split(
        name=split,
        class_names=class_names,
        size=len(pictures),
        fingerprint=fingerprint(lines),
        encoded=lambda: _encoded(pictures),
        skipped=tuple(broken),
        coarse_names=_coarse_names(root / "classes.csv"),
    )


def _classes(root, split):
    if not root.is_dir():
        raise ValueError(
            "There is no such folder of pictures; expected a folder laid out as "
            f"split/class/*.jpg, or tfds:NAME. Received: {root}"
        )
    if not split or not (root / split).is_dir():
        splits = ", ".join(_folders(root)) or "none"
        raise ValueError(f"{root} has no such split; it has: {splits}. Received: {split!r}")
    classes = _folders(root / split)
    if not classes:
        raise ValueError(
            "The split holds no class folders; expected split/class/*.jpg. "
            f"Received: {root / split}"
        )
    return classes


def _folders(parent):
    """The names of the folders in a folder, without those that programs hide for themselves."""
    return sorted(p.name for p in parent.iterdir() if p.is_dir() and p.name[0] != ".")


def _pictures(folder):
    pictures = sorted(
        p for p in folder.iterdir() if p.suffix.lower() in SUFFIXES and p.name[0] != "."
    )
    if not pictures:
        raise ValueError(
            f"A class has no pictures; expected files ending in {', '.join(SUFFIXES)}: add some or "
            f"remove the folder. Received: {folder}"
        )
    return pictures


def _encoded(pictures):
    import tensorflow as tf

    paths = [str(path) for path, _ in pictures]
    labels = [label for _, label in pictures]
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
