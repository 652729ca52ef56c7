"""The table of linear classifiers on a Gram matrix: ridge regression and the linear SVM.

A method is a function `(gram, targets, strength) -> (duals, bias)`; the classifier's kernel
is then `descriptors.T @ duals`, so the descriptors are touched twice and never copied. The targets
are 1 for the pictures of a class and 0 for the others: one-hot rows, or multi-hot ones.
"""

import dataclasses
from collections.abc import Callable

from keras_crosspool.numerics.ridge import fit_ridge
from keras_crosspool.numerics.svm import fit_svm


@dataclasses.dataclass(frozen=True)
class Method:
    """A way to fit a linear classifier.

    Attributes:
        fit: function `(gram, targets, strength) -> (duals, bias)`.
        strengths: tuple of float, those that cross-validation tries.
        default: float, the strength where there is nothing to cross-validate.
        forms: tuple of str, the forms in which it can be solved; see `SolverOptions`.
    """

    fit: Callable
    strengths: tuple[float, ...]
    default: float
    forms: tuple[str, ...]


METHODS = {
    "ridge": Method(
        fit_ridge,
        strengths=(1e-3, 1e-2, 1e-1, 3e-1, 1.0),
        default=1e-2,
        forms=("gram", "primal", "projected"),
    ),
    "svm": Method(fit_svm, strengths=(1.0, 10.0, 100.0), default=10.0, forms=("gram",)),
}
