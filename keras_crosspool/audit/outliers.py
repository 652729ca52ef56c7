"""Photographs unlike all others of the data."""

import numpy as np

from keras_crosspool.audit.finding import Finding
from keras_crosspool.numerics.nearest import nearest

_NEIGHBOURS = 3
_FAR = 3.5  # deviations below the median likeness
_DEVIATION = 1.4826  # of a normal distribution, in median absolute deviations
_FEWEST = 20  # images that tell what is usual


def find_outliers(averages, copies, files):
    """Finds images whose nearest neighbours are farther off than is usual here.

    Args:
        averages: float `(n, dims)`, descriptors of the images.
        copies: list of `Copy`; the copy of an outlier is no neighbour.
        files: sequence of str.

    Yields:
        `Finding`, with the nearest image beside it.
    """
    if len(files) < _FEWEST:
        return
    copied = {pair for copy in copies for pair in _both(copy)}
    indices, cosines = nearest(averages, _NEIGHBOURS + 1)
    likeness = np.array(
        [_mean_of_others(row, indices[row], cosines[row], copied) for row in range(len(files))]
    )
    usual = np.median(likeness)
    spread = _DEVIATION * np.median(np.abs(likeness - usual))
    for row in np.flatnonzero(likeness < usual - _FAR * spread):
        advice = "Remove it if it shows none of the classes; else take more like it."
        score = float(np.clip(likeness[row], 0, 1))
        yield Finding("outlier", files[row], score, files[indices[row, 0]], advice)


def _both(copy):
    return (copy.first, copy.second), (copy.second, copy.first)


def _mean_of_others(row, indices, cosines, copied):
    kept = [cosine for index, cosine in zip(indices, cosines, strict=True)
            if (row, int(index)) not in copied]  # fmt: skip
    return np.mean(kept[:_NEIGHBOURS]) if kept else 1.0
