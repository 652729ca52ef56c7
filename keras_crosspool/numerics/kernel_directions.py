"""What a linear classifier of pooled products uses of their two sides."""

import numpy as np

from keras_crosspool.numerics.largest import largest_in_order


def leading_features(kernel, count):
    """The directions of the features that a classifier's weights are largest in.

    They are the first factor of the higher-order singular value decomposition: of all subspaces of
    that size, this one keeps most of the squared weights.

    Args:
        kernel: float `(guidance, features, classes)`, weights of pooled products.
        count: int, how many directions.

    Returns:
        float64 `(features, count)` with orthonormal columns, the most used first.

    Reference:
        De Lathauwer, De Moor and Vandewalle, "A Multilinear Singular Value Decomposition", SIAM
        Journal on Matrix Analysis and Applications 21(4), 2000.

    Example:

    >>> kernel = np.zeros((2, 3, 1))
    >>> kernel[0, 1], kernel[1, 2] = 5, 1
    >>> np.abs(leading_features(kernel, 2)).tolist()
    [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]
    """
    gram = np.zeros((kernel.shape[1],) * 2)
    for weights in kernel:  # a guidance channel at a time, so that little is copied
        weights = weights.astype("float64")
        gram += weights @ weights.T
    return np.linalg.eigh(gram)[1][:, ::-1][:, :count]


def leading_guidance(kernel, count):
    """The guidance channels that a classifier's weights are largest for.

    Args:
        kernel: float `(guidance, features, classes)`, weights of pooled products.
        count: int, how many channels.

    Returns:
        int `(count,)`, in rising order.

    Example:

    >>> leading_guidance(np.array([1.0, 3.0, 2.0])[:, None, None], 2).tolist()
    [1, 2]
    """
    energy = np.array([np.square(weights, dtype="float64").sum() for weights in kernel])
    return largest_in_order(energy, count)
