"""The labelled images of all splits of a folder, taken together, and those that cannot be read."""

import dataclasses
import pathlib

import numpy as np
from absl import logging

from keras_crosspool.audit.finding import Finding
from keras_crosspool.data import ImageError, open_split
from keras_crosspool.data.folder import folder_classes, folder_splits
from keras_crosspool.data.images import read_image
from keras_crosspool.data.layout import ALL
from keras_crosspool.data.merging import merged
from keras_crosspool.data.split import Split
from keras_crosspool.names import readable
from keras_crosspool.sessions import with_sessions

_SIDE = 32  # pixels: what is read once more to say why it cannot be


@dataclasses.dataclass(frozen=True)
class Photographs:
    """The images of a folder.

    Attributes:
        images: `Split` of all splits together, with sessions.
        files: tuple of str, the name of each from the data folder on.
        splits: tuple of str, the split of each.
        broken: tuple of `Finding`.
    """

    images: Split
    files: tuple[str, ...]
    splits: tuple[str, ...]
    broken: tuple[Finding, ...]

    def classes_of(self, index):
        """The names of what an image is said to show, a tuple of str."""
        return self.images.task.label_names(self.images.labels[index], self.images.class_names)


def open_photographs(data, splits, groups, max_megapixels):
    """Opens all splits of a folder; images that cannot be read are findings.

    Args:
        data: path of the folder.
        splits: sequence of str, or `None` for all that there are.
        groups: as `with_sessions` takes it.
        max_megapixels: float.

    Returns:
        `Photographs`.

    Raises:
        ValueError: if there is no such folder or split, or the images are of one class alone.
    """
    if str(data).startswith("tfds:"):
        raise ValueError(f"An audit reads folders of images, no TFDS data sets. Received: {data}")
    there = folder_splits(data)
    if splits and there == (ALL,) and set(splits) != {ALL}:
        raise ValueError(
            "The folder has no splits, so all of it is audited: leave `splits` out. "
            f"Received: {readable(data)}, splits {','.join(splits)}"
        )
    names = tuple(dict.fromkeys(splits)) if splits else there
    classes = sorted({name for split in names for name in folder_classes(data, split)})
    opened = [
        open_split(data, name, classes, skip_broken=True, max_megapixels=max_megapixels)
        for name in names
    ]
    together = _with_classes_in_use(merged(opened))
    if len(together.class_names) < 2:
        raise ValueError(
            "An audit compares classes, so it needs two or more with images that can be read. "
            f"Received: {readable(data)} with {', '.join(together.class_names)}"
        )
    root = pathlib.Path(data)
    return Photographs(
        images=_grouped(together, groups),
        files=tuple(_below(root, name) for name in together.names),
        splits=tuple(split.name for split in opened for _ in range(split.size)),
        broken=tuple(_broken(root, name, max_megapixels) for name in together.skipped),
    )


def _with_classes_in_use(split):
    """The split without the classes that no image is left of."""
    several = split.labels.ndim == 2
    used = np.flatnonzero(split.labels.any(axis=0)) if several else np.unique(split.labels)
    labels = split.labels[:, used] if several else np.searchsorted(used, split.labels)
    names = tuple(split.class_names[index] for index in used)
    return dataclasses.replace(split, class_names=names, labels=labels)


def _grouped(split, groups):
    """The split with sessions; where all images would be one session, each is by itself."""
    if groups == "auto" and len(set(split.groups)) == 1:
        logging.warning("all images are of one session, so each is judged by itself")
        groups = None
    return with_sessions(split, groups)


def _below(root, name):
    path = pathlib.PurePath(name)
    return path.relative_to(readable(root)).as_posix()


def _broken(root, name, max_megapixels):
    reason = "unreadable"
    try:
        read_image(name, _SIDE, max_megapixels)
    except ImageError as error:
        reason = error.reason
    except OSError:  # a name that is shown by escapes
        pass
    return Finding("broken", _below(root, name), 0.0, "", f"Replace or remove it: {reason}.")
