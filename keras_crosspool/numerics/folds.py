"""Folds of cross-validation: which rows are held out together."""

import warnings

import numpy as np

FOLDS = 5


def stratified_folds(labels, seed=0):
    """Folds in which each class has the same share, as far as that can be.

    Args:
        labels: int `(n,)`.
        seed: int. Defaults to `0`.

    Returns:
        int `(n,)`, the fold of each row, or `None` where no class has two rows.

    Example:

    >>> np.bincount(stratified_folds(np.repeat([0, 1], 10))).tolist()
    [4, 4, 4, 4, 4]
    """
    from sklearn.model_selection import StratifiedKFold

    counts = np.bincount(labels)
    fewest = counts[counts > 1]
    if not len(fewest):
        return None
    folds = StratifiedKFold(min(FOLDS, fewest.min()), shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        # A class of one row is held out unseen once: that is what it would meet in use too.
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        return _numbered(folds.split(labels, labels), len(labels))


def random_folds(count, seed=0):
    """Folds of nearly equal size, drawn at random.

    Args:
        count: int, number of rows.
        seed: int. Defaults to `0`.

    Returns:
        int `(count,)`, the fold of each row, or `None` for a single row.
    """
    from sklearn.model_selection import KFold

    if count < 2:
        return None
    folds = KFold(min(FOLDS, count), shuffle=True, random_state=seed)
    return _numbered(folds.split(np.zeros(count)), count)


def _numbered(splits, count):
    fold_of = np.empty(count, int)
    for fold, (_, held_out) in enumerate(splits):
        fold_of[held_out] = fold
    return fold_of
