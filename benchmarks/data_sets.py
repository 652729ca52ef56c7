"""The data sets of a study: folders of images, the size of each, and draws of photographs."""

import functools

import numpy as np

from keras_crosspool.sessions import open_parts, with_sessions_if_found
from keras_crosspool.training.validation import Validation


def data_sets(folders, image_sizes):
    """The folders of a study, each with its image size.

    Args:
        folders: list of str.
        image_sizes: list of str, sides in pixels, one a folder.

    Returns:
        List of pairs of str and int.

    Raises:
        ValueError: if there are not as many sizes as folders.

    Example:

    >>> data_sets(["photos"], ["224"])
    [('photos', 224)]
    """
    if len(folders) != len(image_sizes):
        raise ValueError(
            "Each folder needs its image size. "
            f"Received: {len(folders)} folders, {len(image_sizes)} sizes"
        )
    return list(zip(folders, map(int, image_sizes), strict=True))


def draw_photographs(labels, count, seed):
    """Draws some photographs of every class.

    Args:
        labels: int `(n,)`.
        count: int, photographs of a class; a class with fewer gives all it has.
        seed: int.

    Returns:
        Their indices, int `(drawn,)`, rising.

    Example:

    >>> draw_photographs(np.array([0, 1, 1, 0, 1, 1]), count=2, seed=0).size
    4
    """
    order = np.random.default_rng(seed).permutation(len(labels))
    of_classes = [order[labels[order] == label][:count] for label in np.unique(labels)]
    return np.sort(np.concatenate(of_classes))


@functools.cache
def open_data(data, seed=0):
    """The splits of a `DataConfig`, as a training run of that seed opens them: `Parts`."""
    return open_parts(data.data, seed=seed, **data.part_options())


@functools.cache
def _held_out(data, seed):
    validation = open_data(data, seed).validation
    if validation is None:
        raise ValueError(f"A split to score on is needed: a `val_split`. Received: {data.data}")
    return with_sessions_if_found(validation)


def validation_of(config, seed=0):
    """The `Validation` of a run, with the sessions of its split where some are found.

    Args:
        config: `TrainingConfig`.
        seed: int, of the draw of a folder without splits. Defaults to `0`.

    Raises:
        ValueError: if there is no split to validate on.
    """
    return Validation(_held_out(config.data, seed), config.fine_tuning.batch_size, {})
