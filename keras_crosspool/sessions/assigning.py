"""Says of each image of a split to which session it belongs."""

import dataclasses
import pathlib

import numpy as np
from absl import logging

from keras_crosspool.data.folder import GROUPS_FILE
from keras_crosspool.data.split import Split
from keras_crosspool.sessions.capture_times import sessions_by_time
from keras_crosspool.sessions.groups_file import read_groups
from keras_crosspool.sessions.similarity import sessions_by_similarity

AUTO = "auto"
NONE = "none"


def with_sessions(images, groups=AUTO, warns=True):
    """A split whose images have sessions: photographs that were taken together.

    Args:
        images: `Split` or `ArrayImages`.
        groups: `"auto"`, what is known, in this order: the third column of `labels.csv`;
            `groups.csv` in the data folder; time and camera of the photographs; else how alike they
            are. The path of a table `file,group`. An array `(n,)` of a group an image. `None` or
            `"none"`, each image by itself. Defaults to `"auto"`.
        warns: bool, whether classes that are seen in one session alone are told. Defaults to
            `True`.

    Returns:
        The same with `groups` and `grouped_by`.

    Raises:
        ValueError: if a table or an array does not fit the images, or all are in one group.

    Example:

    >>> from keras_crosspool.data import open_split
    >>> split = with_sessions(open_split("data/grocery_mini", "train"))
    >>> split.grouped_by, len(split.groups)
    ('found by similarity', 320)
    """
    if groups is None or (isinstance(groups, str) and groups == NONE):
        return dataclasses.replace(images, groups=(), grouped_by="")
    if isinstance(groups, str | pathlib.Path) and str(groups) != AUTO:
        found, source = read_groups(groups, images), pathlib.Path(groups).name
    elif isinstance(groups, str):
        found, source = _known(images)
    else:
        found, source = np.asarray(groups), "given"
    split = _assigned(images, found, source)
    if warns and images.task.name == "single_label":
        warn_of_single_sessions(images.labels, split.groups, images.class_names)
    return split


def with_sessions_if_found(images):
    """A split with the sessions that are known or found; without any where they cannot be told.

    Args:
        images: `Split` or `ArrayImages`, to measure on.

    Returns:
        The same with `groups` and `grouped_by`, or as it was, with a warning.
    """
    try:
        return with_sessions(images, warns=False)
    except ValueError as error:
        logging.warning("an interval counts each photograph by itself: %s", error)
        return images


def _known(images):
    """The sessions that are known without the user, and where from."""
    if images.groups:
        return np.asarray(images.groups), images.grouped_by
    if isinstance(images, Split):
        table = pathlib.Path(images.root or "", GROUPS_FILE)
        if images.root and table.is_file():
            return read_groups(table, images), GROUPS_FILE
        timed = sessions_by_time(images)
        if timed is not None and timed.max() > 0:
            return timed, "time and camera"
    return sessions_by_similarity(images), "found by similarity"


def _assigned(images, groups, source):
    if groups.shape != (images.size,):
        raise ValueError(
            f"Expected the group of each image, ({images.size},). Received: shape {groups.shape}"
        )
    numbers = np.unique(groups, return_inverse=True)[1]
    if numbers.max() == 0:
        raise ValueError(
            "All images are in one group, so no other can be held out: take `groups=none`, or tell "
            f"groups apart. Received: {images.size} images, one group ({source})"
        )
    logging.info(
        "%s: %d images in %d sessions (%s)", images.name, images.size, numbers.max() + 1, source
    )
    return dataclasses.replace(images, groups=tuple(numbers.tolist()), grouped_by=source)


def warn_of_single_sessions(labels, groups, class_names):
    """Names the classes that are seen in one session alone.

    Args:
        labels: int `(n,)`, classes.
        groups: int `(n,)`, sessions.
        class_names: sequence of str.
    """
    pairs = np.unique(np.stack([groups, labels]), axis=1)
    sessions = np.bincount(pairs[1], minlength=len(class_names))
    single = [name for name, n in zip(class_names, sessions, strict=True) if n == 1]
    if single:
        logging.warning(
            "classes with photographs of one session alone: %d; the score of other sessions counts "
            "them as wrong, so photograph them once more: %s",
            len(single),
            ", ".join(single[:5]),
        )
