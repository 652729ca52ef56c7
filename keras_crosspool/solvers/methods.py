"""Linear classifiers on a Gram matrix: ridge regression and the linear SVM, one-vs-rest.

A method is a function `(gram, labels, num_classes, strength) -> (duals, bias)`; the classifier's
kernel is then `descriptors.T @ duals`, so the descriptors are touched twice and never copied.
"""

import dataclasses
from collections.abc import Callable

import numpy as np


def fit_ridge(gram, labels, num_classes, strength):
    """Ridge regression on one-hot targets, with an unpenalised bias.

    Args:
        gram: `(n, n)` inner products of the descriptors.
        labels: int `(n,)`.
        num_classes: int.
        strength: float, lambda of `||Y - XW||^2 + lambda ||W||^2`.

    Returns:
        `duals (n, num_classes)` and `bias (num_classes,)`.
    """
    from scipy.linalg import solve

    targets = np.eye(num_classes)[labels]
    prior, means = targets.mean(axis=0), gram.mean(axis=0)
    centred = gram - means - means[:, None] + means.mean()
    centred[np.diag_indices_from(centred)] += strength
    duals = solve(centred, targets - prior, assume_a="pos", overwrite_a=True)
    duals -= duals.mean(axis=0)  # the kernel of centred descriptors, in terms of the bare ones
    return duals, prior - means @ duals


def fit_svm(gram, labels, num_classes, strength):
    """Linear support vector machine, one-vs-rest.

    Args:
        gram: `(n, n)` inner products of the descriptors.
        labels: int `(n,)`.
        num_classes: int.
        strength: float, the cost C; larger fits the training pictures more closely.

    Returns:
        `duals (n, num_classes)` and `bias (num_classes,)`; a class without pictures gets a
        bias of -1 and no duals, one without others a bias of 1.
    """
    from sklearn.svm import SVC

    duals, bias = np.zeros((len(gram), num_classes)), np.full(num_classes, -1.0)
    present = np.unique(labels)
    if len(present) == 1:  # a fold may hold one class alone: nothing to set it apart from
        bias[present] = 1.0
        return duals, bias
    for label in present:
        machine = SVC(C=strength, kernel="precomputed").fit(gram, labels == label)
        duals[machine.support_, label] = machine.dual_coef_[0]
        bias[label] = machine.intercept_[0]
    return duals, bias


@dataclasses.dataclass(frozen=True)
class Method:
    """A way to fit a linear classifier, and the strengths that cross-validation tries."""

    fit: Callable
    strengths: tuple[float, ...]
    default: float


METHODS = {
    "ridge": Method(fit_ridge, strengths=(1e-3, 1e-2, 1e-1, 3e-1, 1.0), default=1e-2),
    "svm": Method(fit_svm, strengths=(1.0, 10.0, 100.0), default=10.0),
}
