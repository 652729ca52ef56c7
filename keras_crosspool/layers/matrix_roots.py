"""Roots of symmetric matrices by matrix products alone."""

from keras import ops


def inverse_root(matrix, power, steps):
    """`matrix ** (-1 / power)` of symmetric positive semidefinite matrices of trace one or less.

    Coupled Newton iteration: from `X = I` and `M = matrix`, each step takes
    `T = ((power + 1) I - M) / power`, then `X T` and `T^power M`. `M` tends to the identity and
    `X` to the root. For `power=2` that is the coupled Newton-Schulz iteration.

    After `n` steps eigenvalues above `(power / (power + 1)) ** (power * n)` are nearly exact:
    5 steps reach 0.02, 10 steps 3e-4 for the square root. The factor of smaller ones is at most
    `((power + 1) / power) ** n`, so an eigenvalue of zero stays finite. In float32, rounding of
    the largest eigenvalue is 1e-7 and grows by the same factor in each step: beyond 16 steps it
    would be what is seen.

    Args:
        matrix: `(batch, n, n)`.
        power: `2` or `4`.
        steps: int.

    Returns:
        `(batch, n, n)`.

    Reference:
        Higham, "Functions of Matrices", SIAM 2008, section 7.3, equation (7.12).
    """
    identity = ops.eye(matrix.shape[-1], dtype=matrix.dtype)
    root = None
    for step in range(steps):
        factor = ((power + 1) * identity - matrix) / power
        root = factor if root is None else ops.matmul(root, factor)
        if step < steps - 1:
            for _ in range(power // 2):
                factor = ops.matmul(factor, factor)
            matrix = ops.matmul(factor, matrix)
    return root
