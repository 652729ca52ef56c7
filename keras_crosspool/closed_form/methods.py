"""The table of linear classifiers on a Gram matrix: ridge regression and the linear SVM.

A method is a function `(gram, targets, alpha) -> (dual_coef, bias)`; the classifier's kernel
is then `descriptors.T @ dual_coef`, so the descriptors are touched twice and never copied. The
targets are 1 for the images of a class and 0 for the others: one-hot rows, or multi-hot ones.
"""

import dataclasses
from collections.abc import Callable

from keras_crosspool.numerics.ridge import fit_ridge
from keras_crosspool.numerics.svm import fit_svm


@dataclasses.dataclass(frozen=True)
class Method:
    """A way to fit a linear classifier.

    Attributes:
        fit: function `(gram, targets, alpha) -> (dual_coef, bias)`.
        alphas: tuple of float, those that cross-validation tries; the costs of the SVM.
        default: float, the alpha where there is nothing to cross-validate.
        forms: tuple of str, the forms in which it can be solved; see `SolverOptions`.
        group_out: bool, whether one fit tells the scores without each group, as `GroupOutRidge`.
    """

    fit: Callable
    alphas: tuple[float, ...]
    default: float
    forms: tuple[str, ...]
    group_out: bool


METHODS = {
    "ridge": Method(
        fit_ridge,
        alphas=(1e-3, 1e-2, 1e-1, 3e-1, 1.0),
        default=1e-2,
        forms=("gram", "primal", "projected"),
        group_out=True,
    ),
    "svm": Method(
        fit_svm, alphas=(1.0, 10.0, 100.0), default=10.0, forms=("gram",), group_out=False
    ),
}
