"""The weights that are tried for the descriptors of several branches."""

import itertools

import numpy as np

WEIGHT_RATIOS = (1.0, 0.25, 0.5, 2.0, 4.0)  # of a further branch to the first


def weightings(branches):
    """Weights of a number of branches, whose squares sum to one; equal ones come first.

    Example:

    >>> [round(weight, 2) for weight in weightings(2)[1]]
    [0.97, 0.24]
    """
    ratios = itertools.product(WEIGHT_RATIOS, repeat=branches - 1)
    tried = [np.array([1.0, *ratio]) for ratio in ratios]
    return [tuple((w / np.linalg.norm(w)).tolist()) for w in tried]
