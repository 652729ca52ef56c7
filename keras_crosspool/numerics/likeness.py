"""How like the rows of other groups a row is."""

import numpy as np

from keras_crosspool.numerics.group_out import rows_by_group


def mean_likeness(gram, groups, weights):
    """The mean inner product of each row with the rows of other groups.

    Args:
        gram: `(n, n)` inner products of the rows.
        groups: int `(n,)`, two groups or more.
        weights: float `(n,)`, of the rows in the mean.

    Returns:
        float64 `(n,)`.

    Example:

    >>> rows = np.array([[1.0], [2.0], [3.0]])
    >>> mean_likeness(rows @ rows.T, np.array([0, 0, 1]), np.ones(3)).tolist()
    [3.0, 6.0, 4.5]
    """
    sums = gram @ weights
    others = np.full(len(gram), weights.sum())
    for group in rows_by_group(groups):
        sums[group] -= gram[np.ix_(group, group)] @ weights[group]
        others[group] -= weights[group].sum()
    return sums / others
