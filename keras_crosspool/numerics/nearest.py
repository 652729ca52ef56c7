"""The nearest rows by cosine, block by block."""

import numpy as np

_AT_ONCE = 2048  # rows whose similarities are in memory


def nearest(rows, count):
    """The rows most like each row.

    Args:
        rows: float `(n, dims)`.
        count: int, at most `n - 1` are found.

    Returns:
        int `(n, count)`, indices, the most alike first, and float32 `(n, count)`, their cosines.

    Example:

    >>> indices, cosines = nearest(np.array([[1.0, 0.0], [2.0, 0.0], [0.0, 1.0]]), 1)
    >>> indices.ravel().tolist()[:2], cosines.ravel().tolist()[:2]
    ([1, 0], [1.0, 1.0])
    """
    rows = np.asarray(rows, "float32")
    rows = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    count = min(count, len(rows) - 1)
    indices = np.empty((len(rows), count), int)
    cosines = np.empty((len(rows), count), "float32")
    for start in range(0, len(rows), _AT_ONCE):
        found = rows[start : start + _AT_ONCE] @ rows.T
        own = np.arange(len(found))
        found[own, start + own] = -np.inf
        order = np.argsort(-found, axis=1, kind="stable")[:, :count]
        indices[start : start + _AT_ONCE] = order
        cosines[start : start + _AT_ONCE] = np.take_along_axis(found, order, axis=1)
    return indices, cosines
