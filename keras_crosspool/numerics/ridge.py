"""Ridge regression on a Gram matrix, with an unpenalised bias."""

import numpy as np


def fit_ridge(gram, targets, alpha):
    """Ridge regression on the targets, with an unpenalised bias.

    Args:
        gram: `(n, n)` inner products of the descriptors.
        targets: float `(n, num_classes)`, 0 or 1.
        alpha: float, lambda of `||Y - XW||^2 + lambda ||W||^2`.

    Returns:
        `dual_coef (n, num_classes)` and `bias (num_classes,)`.
    """
    from scipy.linalg import solve

    prior, means = targets.mean(axis=0), gram.mean(axis=0, dtype="float64")
    centred = gram - means
    centred -= means[:, None]
    centred += means.mean()
    centred[np.diag_indices_from(centred)] += alpha
    # Symmetric, so that its transpose is itself in the order that LAPACK overwrites.
    dual_coef = solve(centred.T, targets - prior, assume_a="pos", overwrite_a=True)
    # The kernel of centred descriptors, in terms of the bare ones.
    dual_coef -= dual_coef.mean(axis=0)
    return dual_coef, prior - means @ dual_coef
