"""Scores of rows by a ridge classifier without their group, where rows are many and short."""

import numpy as np

from keras_crosspool.numerics.streaming_ridge import StreamingRidge


class GroupOutRidgeOfRows:
    """What `GroupOutRidge` is, from the rows themselves: quicker where they outnumber the columns.

    The work grows with `n * dims ** 2`, that on the Gram matrix with `n ** 3`.

    Args:
        rows: `(n, dims)`.
        targets: float `(n, num_classes)`, 0 or 1.
        alpha: float, lambda of `||Y - XW||^2 + lambda ||W||^2`.

    Attributes:
        dual_coef: float64 `(n, num_classes)`, of the fit on all rows.
        bias: float64 `(num_classes,)`, likewise.

    Example:

    >>> rows, targets = np.array([[0.0], [1.0], [2.0]]), np.array([[0.0], [1.0], [2.0]])
    >>> ridge = GroupOutRidgeOfRows(rows, targets, alpha=1e-9)
    >>> ridge.scores(np.array([0, 1, 2])).round(6).ravel().tolist()  # a line through the others
    [0.0, 1.0, 2.0]
    """

    def __init__(self, rows, targets, alpha):
        self._rows, self._targets = np.asarray(rows, "float64"), np.asarray(targets, "float64")
        statistics = StreamingRidge(rows.shape[1], targets.shape[1])
        statistics.update(self._rows, self._targets, np.zeros(len(rows), int))
        self._solution = statistics.solution(alpha)
        self.bias = self._solution.bias
        self.dual_coef = (self._targets - self._rows @ self._solution.kernel - self.bias) / alpha

    def scores(self, groups):
        """The scores of the rows, each by a fit without all those of its group.

        Args:
            groups: int `(n,)`, of two groups or more.

        Returns:
            float64 `(n, num_classes)`.
        """
        return self._solution.scores_without(self._rows, self._targets, groups)
