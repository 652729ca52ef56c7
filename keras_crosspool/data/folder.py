"""Folders of pictures laid out as `split/class/*.jpg`."""

import csv
import hashlib
import io
import pathlib
from concurrent import futures

from absl import logging

from keras_crosspool.data.pictures import decode_picture
from keras_crosspool.data.split import Split, label_indices
from keras_crosspool.progress import track

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp")
_CHECK_SIZE = 32  # pixels: a small target lets JPEG decode cheaply, and reads the whole file


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
    digests, broken = _check(root, [path for path, _ in pictures])
    _report_broken(broken, len(pictures), skip_broken)
    pictures = [(path, label) for path, label in pictures if path not in broken]
    return Split(
        name=split,
        class_names=class_names,
        size=len(pictures),
        fingerprint=hashlib.sha256("\n".join(digests).encode()).hexdigest(),
        encoded=lambda: _encoded(pictures),
        skipped=tuple(str(path) for path in broken),
        coarse_names=_coarse_names(root / "classes.csv"),
    )


def _classes(root, split):
    if not root.is_dir():
        raise ValueError(
            "There is no such folder of pictures; expected a folder laid out as "
            f"split/class/*.jpg, or tfds:NAME. Received: {root}"
        )
    if not split or not (root / split).is_dir():
        splits = ", ".join(sorted(p.name for p in root.iterdir() if p.is_dir())) or "none"
        raise ValueError(f"{root} has no such split; it has: {splits}. Received: {split!r}")
    classes = sorted(p.name for p in (root / split).iterdir() if p.is_dir())
    if not classes:
        raise ValueError(
            "The split holds no class folders; expected split/class/*.jpg. "
            f"Received: {root / split}"
        )
    return classes


def _pictures(folder):
    pictures = sorted(p for p in folder.iterdir() if p.suffix.lower() in SUFFIXES)
    if not pictures:
        raise ValueError(
            f"A class has no pictures; expected files ending in {', '.join(SUFFIXES)}: add some or "
            f"remove the folder. Received: {folder}"
        )
    return pictures


def _check(root, paths):
    """Decodes every picture once, small: its digest, and the broken ones with the reason."""

    def check(path):
        encoded = path.read_bytes()
        digest = hashlib.sha256(encoded).hexdigest()
        try:
            decode_picture(encoded, _CHECK_SIZE, name=str(path))
        except ValueError as error:
            return path, digest, str(error)
        return path, digest, None

    with futures.ThreadPoolExecutor() as pool:
        checked = list(track(pool.map(check, paths), "checking pictures", len(paths)))
    digests = [f"{path.relative_to(root)} {digest}" for path, digest, _ in checked]
    return digests, {path: reason for path, _, reason in checked if reason}


def _report_broken(broken, count, skip_broken):
    if not broken:
        return
    if not skip_broken:
        raise ValueError(
            f"{len(broken)} of {count} pictures cannot be decoded: replace or remove them, or "
            f"leave them out with --skip_broken. Received: {', '.join(map(str, broken))}"
        )
    for reason in broken.values():
        logging.warning("left out: %s", reason)
    if len(broken) == count:
        raise ValueError(f"All {count} pictures cannot be decoded. Received: {next(iter(broken))}")


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
