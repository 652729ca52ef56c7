"""Ridge regression on a Gram matrix, with an unpenalised bias."""

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
