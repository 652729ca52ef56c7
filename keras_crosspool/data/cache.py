"""Decoded images at hand in any order: in memory, on disk, or decoded each time."""

import functools
import hashlib
import pathlib

import numpy as np
from absl import logging

from keras_crosspool.array_file import ArrayFile
from keras_crosspool.config.fine_tuning_config import CACHES
from keras_crosspool.data.images import decode_image
from keras_crosspool.files import atomic_path, default_cache_dir
from keras_crosspool.memory import available_memory, free_disk
from keras_crosspool.progress import track

_MEMORY_SHARE, _DISK_SHARE = 0.25, 0.5  # of what is free; the rest is for training and others


def open_images(split, image_size, cache="auto", cache_dir=None):
    """Gives the decoded images of a split by their index.

    Args:
        split: `Split` or `ArrayImages`.
        image_size: int, side in pixels.
        cache: str, where decoded images are kept:

            - `"auto"`, the default: the first of the others that has room, by measure;
            - `"memory"`, a quarter of what is free at most;
            - `"disk"`, a file in `cache_dir`, mapped into memory, half of what is free at most;
            - `"none"`: each image is read and decoded whenever it is asked for.
        cache_dir: path of the folder for files, or `None` for `default_cache_dir()`.

    Returns:
        Function from an index to uint8 `(image_size, image_size, 3)`.

    Raises:
        ValueError: if `cache` is none of these, or has no room, or the images can only be read
            one after the other and there is room for none of them.

    Example:

    >>> from keras_crosspool.data import open_split
    >>> images = open_images(open_split("data/grocery_mini", "test"), 64)
    >>> images(3).shape
    (64, 64, 3)
    """
    if cache not in CACHES:
        raise ValueError(f"cache must be one of {', '.join(CACHES)}. Received: {cache!r}")
    shape = (split.size, image_size, image_size, 3)
    size = int(np.prod(shape))
    path = _file(split, image_size, pathlib.Path(cache_dir or default_cache_dir()))
    room = {
        "memory": _MEMORY_SHARE * available_memory(),
        "disk": size if path.exists() else _DISK_SHARE * free_disk(path.parent),
        "none": np.inf if split.read else 0,
    }
    fitting = [kind for kind in room if room[kind] >= size]
    if not fitting or cache not in ("auto", *fitting):
        raise ValueError(
            f"There is no room for {size / 1e9:.1f} GB of decoded images: memory has "
            f"{room['memory'] / 1e9:.1f} GB for them, the disk {room['disk'] / 1e9:.1f} GB. Take "
            "smaller images, a `cache_dir` with more room, or, of a folder of images, "
            f"`cache=none`. Received: cache={cache!r} for {split.size} images of {split.name}"
        )
    kind = fitting[0] if cache == "auto" else cache
    logging.info("decoded images of %s: %.2f GB, cache: %s", split.name, size / 1e9, kind)
    return _OPENERS[kind](split, shape, path)


def _file(split, image_size, folder):
    key = hashlib.sha256(f"{split.fingerprint} {split.size} {image_size}".encode()).hexdigest()
    return folder / f"images-{key[:32]}.npy"


def _in_memory(split, shape, path):
    images, start = np.empty(shape, "uint8"), 0
    for batch in _decoded(split, shape[1]):
        images[start : start + len(batch)] = batch
        start += len(batch)
    return images.__getitem__


def _on_disk(split, shape, path):
    if not path.exists():
        with atomic_path(path) as partial, ArrayFile(partial, "uint8", shape) as images:
            for batch in _decoded(split, shape[1]):
                images.append(batch)
    return np.load(path, mmap_mode="r").__getitem__


def _decoded_each_time(split, shape, path):
    return functools.partial(_decode, split, shape[1])


def _decode(split, image_size, index):
    name = split.names[index]
    return decode_image(split.read(index), image_size, name, split.max_megapixels)


def _decoded(split, image_size):
    for batch, _ in track(split.batches(image_size), "decoding images"):
        # Images of an array may be fractions, and are where they have been resized.
        yield np.rint(batch).astype("uint8")


_OPENERS = {"memory": _in_memory, "disk": _on_disk, "none": _decoded_each_time}
