"""Linear classifiers on a Gram matrix: ridge regression and the linear SVM, one-vs-rest.

A method is a function `(gram, targets, strength) -> (duals, bias)`; the classifier's kernel
is then `descriptors.T @ duals`, so the descriptors are touched twice and never copied. The targets
are 1 for the pictures of a class and 0 for the others: one-hot rows, or multi-hot ones.
"""

import dataclasses
from collections.abc import Callable

import numpy as np


def fit_ridge(gram, targets, strength):
    """Ridge regression on the targets, with an unpenalised bias.

    Args:
        gram: `(n, n)` inner products of the descriptors.
        targets: float `(n, num_classes)`, 0 or 1.
        strength: float, lambda of `||Y - XW||^2 + lambda ||W||^2`.

    Returns:
        `duals (n, num_classes)` and `bias (num_classes,)`.
    """
    from scipy.linalg import solve

    prior, means = targets.mean(axis=0), gram.mean(axis=0)
    centred = gram - means
    centred -= means[:, None]
    centred += means.mean()
    centred[np.diag_indices_from(centred)] += strength
    # Symmetric, so that its transpose is itself in the order that LAPACK overwrites.
    duals = solve(centred.T, targets - prior, assume_a="pos", overwrite_a=True)
    duals -= duals.mean(axis=0)  # the kernel of centred descriptors, in terms of the bare ones
    return duals, prior - means @ duals


def fit_svm(gram, targets, strength):
    """Linear support vector machine, one-vs-rest.

    Args:
        gram: `(n, n)` inner products of the descriptors.
        targets: float `(n, num_classes)`, 0 or 1.
        strength: float, the cost C; larger fits the training pictures more closely.

    Returns:
        `duals (n, num_classes)` and `bias (num_classes,)`; a class without pictures gets a
        bias of -1 and no duals, one without others a bias of 1.
    """
    from sklearn.svm import SVC

    shares = targets.mean(axis=0)
    # A fold may hold a class alone, or no picture of it: nothing to set it apart from.
    duals, bias = np.zeros((len(gram), len(shares))), np.where(shares == 1, 1.0, -1.0)
    for label in np.flatnonzero((shares > 0) & (shares < 1)):
        machine = SVC(C=strength, kernel="precomputed").fit(gram, targets[:, label] == 1)
        duals[machine.support_, label] = machine.dual_coef_[0]
        bias[label] = machine.intercept_[0]
    return duals, bias


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
