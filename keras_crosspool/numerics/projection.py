"""Sparse random projection: long descriptors made short, inner products nearly kept."""


def random_projection(dims, width, seed=0):
    """The matrix of a very sparse random projection.

    Args:
        dims: int, length of the descriptors.
        width: int, length to which they are projected.
        seed: int. Defaults to `0`.

    Returns:
        Sparse float32 `(width, dims)`, or `None` where the descriptors are no longer than that.

    Reference:
        Li, Hastie and Church, "Very Sparse Random Projections", KDD 2006; scikit-learn's
        `SparseRandomProjection`.

    Example:

    >>> random_projection(1000, 100).shape, random_projection(100, 1000)
    ((100, 1000), None)
    """
    if dims <= width:
        return None
    import numpy as np
    from sklearn.random_projection import SparseRandomProjection

    projection = SparseRandomProjection(width, random_state=seed).fit(np.zeros((1, dims)))
    return projection.components_.astype("float32")


def project(rows, projection):
    """Projects rows `(n, dims)` to `(n, width)`; without a projection they stay as they are.

    Example:

    >>> import numpy as np
    >>> project(np.ones((3, 1000), "float32"), random_projection(1000, 100)).shape
    (3, 100)
    """
    return rows if projection is None else (projection @ rows.T).T
