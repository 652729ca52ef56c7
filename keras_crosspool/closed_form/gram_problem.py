"""A classifier to be solved on the Gram matrix of the rows: exact, any method, n x n of memory."""

import dataclasses

import numpy as np

from keras_crosspool.closed_form.familiarity import Familiarity
from keras_crosspool.closed_form.held_out import HeldOut, LeftOut
from keras_crosspool.closed_form.methods import Method
from keras_crosspool.closed_form.row_groups import RowGroups
from keras_crosspool.closed_form.solution import Solution
from keras_crosspool.numerics.group_out import GroupOutRidge
from keras_crosspool.numerics.group_out_rows import GroupOutRidgeOfRows
from keras_crosspool.numerics.likeness import mean_likeness


@dataclasses.dataclass
class GramProblem:
    """What is to be solved, at any weights and alpha.

    Attributes:
        branches: list of `Branch`.
        labels: of the rows of all workers, int `(n,)` or multi-hot.
        targets: float `(n, num_classes)`.
        method: `Method`.
        folds: int `(n,)`, or `None`.
        rows: `RowGroups`.
    """

    branches: list
    labels: np.ndarray
    targets: np.ndarray
    method: Method
    folds: np.ndarray | None
    rows: RowGroups
    _last: tuple = dataclasses.field(default=(None, None), init=False, repr=False)

    @property
    def judged(self):
        """The rows that `held_out_scores` are for."""
        return np.arange(len(self.labels))

    def solve(self, weights, alpha, temperature):
        """The `Solution` with scores over the temperature."""
        if self.method.group_out:
            ridge = self._ridge(weights, alpha)
            dual_coef, bias = ridge.dual_coef, ridge.bias
        else:
            dual_coef, bias = self.method.fit(self._gram(weights), self.targets, alpha)
        shares = self._row_weights / self._row_weights.sum()
        columns = np.column_stack([dual_coef / temperature, shares])
        kernels = [b.kernel(w**2 * columns) for b, w in zip(self.branches, weights, strict=True)]
        kernel = np.concatenate(kernels)
        return Solution(kernel[:, :-1], bias / temperature, kernel[:, -1])

    def familiarity(self, weights):
        """The `Familiarity` of all rows, by those of other folds, and of other classes."""
        gram, of_rows, unknown = self._gram(weights), self._row_weights, None
        if self._tells_unknown:
            unknown = mean_likeness(gram, self.labels, of_rows)
        if not self._refitted:
            return Familiarity(mean_likeness(gram, self.folds, of_rows), unknown)
        known = np.empty(len(gram))
        for fold in np.unique(self.folds):
            held_out = self.folds == fold
            outer = self._gram(weights, fold)[np.ix_(held_out, ~held_out)]
            known[held_out] = outer @ of_rows[~held_out] / of_rows[~held_out].sum()
        return Familiarity(known, unknown)

    def held_out_scores(self, weights, alpha):
        """The scores of the rows by a classifier without their fold."""
        if self.method.group_out and not self._refitted:
            return self._ridge(weights, alpha).scores(self.folds)
        scores = np.empty_like(self.targets)
        for fold in np.unique(self.folds):
            gram, rest = self._gram(weights, fold), self.folds != fold
            inner, outer = gram[np.ix_(rest, rest)], gram[np.ix_(~rest, rest)]
            dual_coef, bias = self.method.fit(inner, self.targets[rest], alpha)
            scores[~rest] = outer @ dual_coef + bias
        return scores

    def left_out(self, weights, alpha):
        """The scores of the rows without their image, and without their class: `LeftOut`.

        What was fitted to labels before is that without the fold of the image; the labels of a
        class that is left out it knows.
        """
        if self.folds is None or not self.method.group_out:
            return LeftOut()
        images = self._image_out_scores(weights, alpha) if self.rows.has_sessions else None
        classes = None
        if self._tells_unknown:
            classes = self._ridge(weights, alpha).scores(self.labels)
            classes[np.arange(len(classes)), self.labels] = -np.inf
        return LeftOut(*(x if x is None else HeldOut(x, self.labels) for x in (images, classes)))

    def _image_out_scores(self, weights, alpha):
        if not self._refitted:
            return self._ridge(weights, alpha).scores(self.rows.images)
        scores = np.empty_like(self.targets)
        for fold in np.unique(self.folds):
            rows = np.flatnonzero(self.folds == fold)
            ridge = GroupOutRidge(self._gram(weights, fold), self.targets, alpha, rows)
            scores[rows] = ridge.scores(self.rows.images[rows])
        return scores

    def _ridge(self, weights, alpha):
        """The fit on all rows; the last one is kept, since it is asked for more than once."""
        if self._last[0] != (weights, alpha):
            self._last = (None, None)  # its memory first
            self._last = (weights, alpha), self._fitted(weights, alpha)
        return self._last[1]

    def _fitted(self, weights, alpha):
        if not self._short:
            return GroupOutRidge(self._gram(weights), self.targets, alpha)
        pairs = zip(self.branches, weights, strict=True)
        rows = [weight * branch.take(slice(None)) for branch, weight in pairs]
        return GroupOutRidgeOfRows(np.concatenate(rows, axis=1), self.targets, alpha)

    @property
    def _short(self):
        """Whether the rows, all of them here, are so short that a fit on them is quicker."""
        here = all(branch.distribution.size == 1 for branch in self.branches)
        dims = sum(branch.dims for branch in self.branches)
        return here and not self._refitted and 2 * dims <= len(self.labels)

    @property
    def _row_weights(self):
        """The weights of the rows in their mean: all classes count the same."""
        if self.labels.ndim > 1:
            return np.ones(len(self.labels))
        return 1 / np.bincount(self.labels)[self.labels]

    @property
    def _tells_unknown(self):
        """Whether rows have scores without their class, one of three or more."""
        several = self.labels.ndim == 1 and self.targets.shape[1] > 2
        return several and self.method.group_out

    @property
    def _refitted(self):
        """Whether descriptors were fitted anew for each fold."""
        return any(branch.fold_grams for branch in self.branches)

    def _gram(self, weights, fold=None):
        """The weighted sum over branches, float64; one branch's own is what it keeps, float32."""
        if weights == (1.0,):
            return self.branches[0].gram(fold)
        total = np.zeros((len(self.targets), len(self.targets)))
        for branch, weight in zip(self.branches, weights, strict=True):
            total += weight**2 * branch.gram(fold)
        return total
