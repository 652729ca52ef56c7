"""The linear support vector machine on a Gram matrix, one-vs-rest."""

import numpy as np


def fit_svm(gram, targets, cost):
    """Linear support vector machine, one-vs-rest.

    Args:
        gram: `(n, n)` inner products of the descriptors.
        targets: float `(n, num_classes)`, 0 or 1.
        cost: float, C; larger fits the training images more closely.

    Returns:
        `dual_coef (n, num_classes)` and `bias (num_classes,)`; a class without images gets a
        bias of -1 and no dual coefficients, one without others a bias of 1.
    """
    from sklearn.svm import SVC

    shares = targets.mean(axis=0)
    # A fold may hold a class alone, or no image of it: nothing to set it apart from.
    dual_coef, bias = np.zeros((len(gram), len(shares))), np.where(shares == 1, 1.0, -1.0)
    for label in np.flatnonzero((shares > 0) & (shares < 1)):
        machine = SVC(C=cost, kernel="precomputed").fit(gram, targets[:, label] == 1)
        dual_coef[machine.support_, label] = machine.dual_coef_[0]
        bias[label] = machine.intercept_[0]
    return dual_coef, bias
