"""How like the rows of other groups a row is."""

import numpy as np

from keras_crosspool.numerics.group_out import rows_by_group


def mean_likeness(gram, groups):
    """The mean inner product of each row with the rows of other groups.

    Args:
        gram: `(n, n)` inner products of the rows.
        groups: int `(n,)`, two groups or more.

    Returns:
        float64 `(n,)`.

    Example:

    >>> rows = np.array([[1.0], [2.0], [3.0]])
    >>> mean_likeness(rows @ rows.T, np.array([0, 0, 1])).tolist()
    [3.0, 6.0, 4.5]
    """
    sums = gram.sum(axis=1, dtype="float64")
    others = np.empty(len(gram))
    for group in rows_by_group(groups):
        sums[group] -= gram[np.ix_(group, group)].sum(axis=1)
        others[group] = len(gram) - len(group)
    return sums / others
