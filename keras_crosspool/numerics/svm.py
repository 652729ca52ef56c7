"""The linear support vector machine on a Gram matrix, one-vs-rest."""

import numpy as np


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
