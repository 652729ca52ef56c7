"""The largest of some values, by index."""

import numpy as np


def largest_in_order(values, count):
    """The indices of the largest values, in rising order; of equal values the first ones.

    Args:
        values: float `(n,)`.
        count: int.

    Returns:
        int `(min(count, n),)`.

    Example:

    >>> largest_in_order(np.array([1.0, 3.0, 2.0, 3.0]), 2).tolist()
    [1, 3]
    """
    return np.sort(np.argsort(-values, kind="stable")[:count])
