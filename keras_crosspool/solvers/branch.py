"""One branch's descriptors of the training pictures, as the solver needs them."""

import dataclasses
import functools
from collections.abc import Mapping

import numpy as np


@dataclasses.dataclass(frozen=True)
class Branch:
    """Descriptors of one branch, and what they would be had a fold not been trained on.

    Attributes:
        descriptors: float32 `(pictures, dims)`.
        rows: int `(n,)`, the descriptor that stands in each row of the solver's problem; rows that
            are views of one picture may share a descriptor. Defaults to one row a descriptor.
        fold_grams: mapping from fold to the `(pictures, pictures)` inner products of descriptors
            that were fitted without that fold's labels. Empty where fitting used no labels.
    """

    descriptors: np.ndarray
    rows: np.ndarray | None = None
    fold_grams: Mapping[int, np.ndarray] = dataclasses.field(default_factory=dict)

    def gram(self, fold=None):
        """Inner products of all rows, `(n, n)`; with a fold, fitted without that one's labels.

        Example:

        >>> branch = Branch(np.array([[1.0, 0.0], [3.0, 4.0]], "float32"), np.array([0, 1, 1]))
        >>> branch.gram().tolist()
        [[1.0, 3.0, 3.0], [3.0, 25.0, 25.0], [3.0, 25.0, 25.0]]
        """
        gram = self.fold_grams.get(fold, self._gram)
        return gram if self.rows is None else gram[np.ix_(self.rows, self.rows)]

    def kernel(self, duals):
        """The weights `(dims, classes)` of a classifier with these duals, `(n, classes)`."""
        if self.rows is not None:
            summed = np.zeros((len(self.descriptors), duals.shape[1]))
            np.add.at(summed, self.rows, duals)
            duals = summed
        return self.descriptors.T @ duals.astype("float32")

    @functools.cached_property
    def _gram(self):
        return self.descriptors @ self.descriptors.T
