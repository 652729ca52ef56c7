"""A classifier to be solved on the Gram matrix of the rows: exact, any method, n x n of memory."""

import dataclasses

import numpy as np

from keras_crosspool.closed_form.methods import Method
from keras_crosspool.progress import track


@dataclasses.dataclass(frozen=True)
class GramProblem:
    """What is to be solved, at any weights and alpha.

    Attributes:
        branches: list of `Branch`.
        labels: of the rows of all workers, int `(n,)` or multi-hot.
        targets: float `(n, num_classes)`.
        method: `Method`.
        folds: int `(n,)`, or `None`.
    """

    branches: list
    labels: np.ndarray
    targets: np.ndarray
    method: Method
    folds: np.ndarray | None

    @property
    def judged_labels(self):
        """The labels of the rows that `held_out_scores` are for."""
        return self.labels

    def solve(self, weights, alpha, temperature):
        """`kernel (dims, classes)` and `bias (classes,)` of scores over the temperature."""
        dual_coef, bias = self.method.fit(self._gram(weights), self.targets, alpha)
        dual_coef = dual_coef / temperature
        kernels = [b.kernel(w**2 * dual_coef) for b, w in zip(self.branches, weights, strict=True)]
        return np.concatenate(kernels), bias / temperature

    def held_out_scores(self, weights, alphas):
        """For each alpha the scores of the rows by a classifier without their fold."""
        scores = {alpha: np.empty_like(self.targets) for alpha in alphas}
        for fold in track(np.unique(self.folds), "cross-validation"):
            held_out = self.folds == fold
            for alpha, of_fold in self._scores_of_fold(weights, fold, alphas):
                scores[alpha][held_out] = of_fold
        return scores

    def _scores_of_fold(self, weights, fold, alphas):
        rest = self.folds != fold
        inner, outer = self._parts(weights, fold)
        for alpha in alphas:
            dual_coef, bias = self.method.fit(inner, self.targets[rest], alpha)
            yield alpha, outer @ dual_coef + bias

    def _parts(self, weights, fold):
        """The Gram matrix of the rows outside a fold, and of the fold's rows with those."""
        gram, rest = self._gram(weights, fold), self.folds != fold
        return gram[np.ix_(rest, rest)], gram[np.ix_(~rest, rest)]

    def _gram(self, weights, fold=None):
        total = np.zeros((len(self.targets), len(self.targets)))
        for branch, weight in zip(self.branches, weights, strict=True):
            total += weight**2 * branch.gram(fold)
        return total
