"""Scores of rows by a ridge classifier without their group, from one factorisation."""

import numpy as np


class GroupOutRidge:
    """Ridge regression that tells what it would say of a group, had it not seen that group.

    One factorisation serves all groups and any partition into them. With `G` the Gram matrix and an
    unpenalised bias, the dual coefficients of all rows are `A @ targets`, where `A` is the upper
    left block of the inverse of `[[G + alpha I, 1], [1', 0]]`. The scores of a group `g` by a fit
    without it are then `targets[g] - inverse(A[g, g]) @ (A @ targets)[g]`: exactly those of a
    refit, bias included. Centring `G` over all rows instead would let the group into the means.

    Args:
        gram: `(n, n)` inner products of the descriptors.
        targets: float `(n, num_classes)`, 0 or 1.
        alpha: float, lambda of `||Y - XW||^2 + lambda ||W||^2`.
        rows: int `(m,)`, the rows that are asked for, which is quicker for fewer. Defaults to all.

    Attributes:
        dual_coef: float64 `(m, num_classes)`, of the fit on all rows.
        bias: float64 `(num_classes,)`, likewise.

    Raises:
        numpy.linalg.LinAlgError: if `gram + alpha I` is not positive definite.

    Reference:
        An, Liu and Venkatesh, "Fast Cross-Validation Algorithms for Least Squares Support Vector
        Machine and Kernel Ridge Regression", Pattern Recognition 40, 2007, section 3.

    Example:

    >>> rows, targets = np.array([[0.0], [1.0], [2.0]]), np.array([[0.0], [1.0], [2.0]])
    >>> ridge = GroupOutRidge(rows @ rows.T, targets, alpha=1e-9)
    >>> ridge.scores(np.array([0, 1, 2])).round(6).ravel().tolist()  # a line through the others
    [0.0, 1.0, 2.0]
    """

    def __init__(self, gram, targets, alpha, rows=None):
        from scipy.linalg import solve_triangular
        from scipy.linalg.lapack import dpotri

        if rows is None:
            rows = order = np.arange(len(gram))
        else:
            order = np.concatenate([np.setdiff1d(np.arange(len(gram)), rows), rows])
            gram = gram[np.ix_(order, order)]
        factor = _factor(gram, alpha)
        # The rows come last, so that their block of the inverse needs their block of the factor
        # alone.
        own = np.asfortranarray(factor[-len(rows) :, -len(rows) :])
        ones_and_targets = np.column_stack([np.ones(len(gram)), targets[order]])
        halves = solve_triangular(factor, ones_and_targets, lower=True, overwrite_b=True)
        solved = solve_triangular(own, halves[-len(rows) :], lower=True, trans="T")
        total = halves[:, 0] @ halves[:, 0]
        shares = halves[:, 0] @ halves / total
        self._targets = np.asarray(targets[rows], "float64")
        self.dual_coef = solved[:, 1:] - np.outer(solved[:, 0], shares[1:])
        self._inverse, _ = dpotri(own, lower=True, overwrite_c=True)  # the lower triangle alone
        self._of_bias = solved[:, 0] / np.sqrt(total)
        self.bias = shares[1:]

    def scores(self, groups):
        """The scores of the rows asked for, each by a fit without all those of its group.

        Args:
            groups: int `(m,)`. Together they must not be all rows of the Gram matrix.

        Returns:
            float64 `(m, num_classes)`.
        """
        from scipy.linalg import solve

        scores = self._targets.copy()
        for group in rows_by_group(groups):
            # The rows of a group rise, so that the lower triangle of its block is there too.
            block = self._inverse[np.ix_(group, group)]
            block -= np.outer(self._of_bias[group], self._of_bias[group])
            scores[group] -= solve(block, self.dual_coef[group], lower=True, assume_a="pos")
        return scores


def rows_by_group(groups):
    """The indices of the rows of each group, in the order of the groups: a list of int arrays.

    Example:

    >>> [rows.tolist() for rows in rows_by_group(np.array([7, 3, 7]))]
    [[1], [0, 2]]
    """
    groups = np.asarray(groups)
    order = np.argsort(groups, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(groups[order])) + 1)


def _factor(gram, alpha):
    """The lower Cholesky factor of `gram + alpha I`."""
    from scipy.linalg.lapack import dpotrf

    penalised = np.array(gram, "float64", order="F")
    penalised[np.diag_indices_from(penalised)] += alpha
    factor, failed = dpotrf(penalised, lower=True, overwrite_a=True)
    if failed:
        raise np.linalg.LinAlgError(
            "The Gram matrix is not positive definite: take a larger alpha. "
            f"Received: alpha={alpha:g}"
        )
    return factor
