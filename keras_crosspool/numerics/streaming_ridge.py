"""Ridge regression on sums over the rows, which arrive in batches and are not kept."""

import dataclasses

import numpy as np

from keras_crosspool.numerics.group_out import rows_by_group

_COLUMNS = 1024  # of a scatter matrix that workers sum at once


class StreamingRidge:
    """Ridge regression with an unpenalised bias, from statistics that rows add up to.

    Counts, sums and products are kept for each fold, so that any one fold can be left out
    afterwards: memory is `folds * dims ** 2` numbers of 8 bytes, whatever the number of rows.

    Args:
        dims: int, length of the rows.
        num_classes: int.
        folds: int, number of folds. Defaults to `1`.

    Example:

    >>> rng = np.random.default_rng(0)
    >>> rows = rng.normal(size=(60, 4))
    >>> targets = rows @ rng.normal(size=(4, 2)) + 3
    >>> ridge = StreamingRidge(dims=4, num_classes=2)
    >>> for batch in np.split(np.arange(60), 3):
    ...     ridge.update(rows[batch], targets[batch], np.zeros(20, int))
    >>> kernel, bias = ridge.solve(1e-6)
    >>> kernel.shape, bias.round(3).tolist()
    ((4, 2), [3.0, 3.0])
    """

    def __init__(self, dims, num_classes, folds=1):
        self._counts = np.zeros(folds)
        self._sums = np.zeros((folds, dims))
        self._target_sums = np.zeros((folds, num_classes))
        self._cross = np.zeros((folds, dims, num_classes))
        # Of a symmetric matrix the lower triangle alone, as BLAS updates it in place.
        self._scatters = [np.zeros((dims, dims), order="F") for _ in range(folds)]

    def update(self, rows, targets, folds):
        """Adds rows to the statistics.

        Args:
            rows: `(n, dims)`.
            targets: `(n, num_classes)`.
            folds: int `(n,)`, the fold of each row, counted from 0.
        """
        from scipy.linalg.blas import dsyrk

        for fold in np.unique(folds):
            # In double precision throughout: half the products of a symmetric matrix are spared,
            # so it takes no longer than single, and weak directions are not lost among strong ones.
            x = np.ascontiguousarray(rows[folds == fold], "float64")
            y = np.asarray(targets[folds == fold], "float64")
            self._counts[fold] += len(x)
            self._sums[fold] += x.sum(axis=0)
            self._target_sums[fold] += y.sum(axis=0)
            self._cross[fold] += x.T @ y
            self._scatters[fold] = dsyrk(
                1.0, x.T, beta=1.0, c=self._scatters[fold], lower=True, overwrite_c=True
            )

    def reduce(self, all_reduce):
        """Makes the statistics those of all workers' rows; every worker must call it.

        Args:
            all_reduce: function that sums an array over the workers, such as
                `ProcessGroup.all_reduce`.
        """
        self._counts = all_reduce(self._counts)
        self._sums = all_reduce(self._sums)
        self._target_sums = all_reduce(self._target_sums)
        self._cross = all_reduce(self._cross)
        for scatter in self._scatters:
            for start in range(0, len(scatter), _COLUMNS):
                columns = slice(start, start + _COLUMNS)
                scatter[:, columns] = all_reduce(scatter[:, columns])

    def solve(self, alpha, without=None, scale=1.0):
        """Solves for the weights of a classifier.

        Args:
            alpha: float, lambda of `||Y - XW||^2 + lambda ||W||^2`.
            without: int, a fold whose rows are left out. Defaults to none.
            scale: float or `(dims,)`, by which the columns are multiplied before they are
                penalised. Defaults to `1.0`.

        Returns:
            `kernel (dims, num_classes)`, for rows without the scale, and `bias (num_classes,)`.
        """
        from scipy.linalg import cho_solve

        kept = [fold for fold in range(len(self._counts)) if fold != without]
        sums = self._sums_of(kept, scale)
        factor = _penalised_factor(sums.scatter, alpha)
        kernel = sums.scale[:, None] * cho_solve(factor, sums.cross)
        return kernel, sums.prior - sums.means @ kernel

    def mean(self, without=None):
        """The mean of the rows, `(dims,)`, in which a row counts one over those of its class.

        Args:
            without: int, a fold whose rows are left out; what a row counts stays. Defaults to none.
        """
        kept = np.arange(len(self._counts)) != without
        of_class = self._target_sums.sum(axis=0)
        weights = np.divide(1, of_class, out=np.zeros_like(of_class), where=of_class > 0)
        total = self._cross[kept].sum(axis=0) @ weights
        return total / (self._target_sums[kept].sum(axis=0) @ weights)

    def solution(self, alpha, scale=1.0):
        """The solution on all rows, which also tells the scores of rows without themselves.

        Args:
            alpha: float.
            scale: as `solve` takes it.

        Returns:
            `RidgeSolution`.
        """
        from scipy.linalg import cho_solve

        sums = self._sums_of(range(len(self._counts)), scale)
        factor = _penalised_factor(sums.scatter, alpha)
        return RidgeSolution(factor, cho_solve(factor, sums.cross), sums)

    def _sums_of(self, kept, scale):
        kept = list(kept)
        count = self._counts[kept].sum()
        means = self._sums[kept].sum(axis=0) / count
        prior = self._target_sums[kept].sum(axis=0) / count
        cross = self._cross[kept].sum(axis=0) - count * np.outer(means, prior)
        scale = np.broadcast_to(scale, means.shape)
        scatter = self._centred_scatter(kept, np.sqrt(count) * means)
        scatter *= scale
        scatter *= scale[:, None]
        return _Sums(count, means, prior, scale[:, None] * cross, scatter, scale)

    def _centred_scatter(self, folds, root_means):
        from scipy.linalg.blas import dsyr

        scatter = self._scatters[folds[0]].copy(order="F")
        for fold in folds[1:]:
            scatter += self._scatters[fold]
        return dsyr(-1.0, root_means, a=scatter, lower=True, overwrite_a=True)


@dataclasses.dataclass(frozen=True)
class _Sums:
    """What rows add up to, centred and scaled.

    Attributes:
        count: float, the number of rows.
        means: `(dims,)`, of the rows as they are.
        prior: `(num_classes,)`, of the targets.
        cross: `(dims, num_classes)`, products of scaled rows and targets.
        scatter: `(dims, dims)`, of the scaled rows; the lower triangle alone.
        scale: `(dims,)`.
    """

    count: float
    means: np.ndarray
    prior: np.ndarray
    cross: np.ndarray
    scatter: np.ndarray
    scale: np.ndarray


@dataclasses.dataclass(frozen=True)
class RidgeSolution:
    """A ridge solution on all rows, with what it takes to leave a group of them out.

    Attributes:
        factor: Cholesky factor of the penalised scatter matrix, as SciPy's `cho_solve` takes it.
        kernel: `(dims, num_classes)`, for centred and scaled rows.
        sums: `_Sums`.
    """

    factor: tuple
    kernel: np.ndarray
    sums: _Sums

    @property
    def bias(self):
        """`(num_classes,)`, for rows as they are."""
        return self.sums.prior - self.sums.means @ (self.sums.scale[:, None] * self.kernel)

    def scores_without(self, rows, targets, groups):
        """The scores of rows, each by a fit without all those of its group, the bias included.

        With the hat matrix `H` of the rows of a group among themselves that is
        `targets - inverse(I - H) @ (targets - fitted)`.

        Args:
            rows: `(n, dims)`, rows that were added before: of each group all or none.
            targets: `(n, num_classes)`, theirs.
            groups: int `(n,)`.

        Returns:
            float64 `(n, num_classes)`.

        Reference:
            An, Liu and Venkatesh, Pattern Recognition 40, 2007, in the space of the columns.
        """
        from scipy.linalg import solve, solve_triangular

        sums, scores = self.sums, np.array(targets, "float64")
        centred = sums.scale * (np.asarray(rows, "float64") - sums.means)
        left = scores - (centred @ self.kernel + sums.prior)
        # One solve for the rows of all groups, whose products are the hat matrices.
        lower, _ = self.factor
        halves = solve_triangular(lower, centred.T, lower=True, overwrite_b=True).T
        for group in rows_by_group(groups):
            hat = halves[group] @ halves[group].T + 1 / sums.count
            scores[group] -= solve(np.eye(len(group)) - hat, left[group], assume_a="pos")
        return scores


def _penalised_factor(scatter, alpha):
    from scipy.linalg import cho_factor

    penalised = scatter.copy(order="F")
    penalised[np.diag_indices_from(penalised)] += alpha
    return cho_factor(penalised, lower=True, overwrite_a=True, check_finite=False)
