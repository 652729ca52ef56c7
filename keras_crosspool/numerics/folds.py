"""Folds of cross-validation: which rows are held out together."""

import warnings

import numpy as np

FOLDS = 5


def stratified_folds(labels, groups, seed=0):
    """Folds of whole groups in which each class has the same share, as far as that can be.

    Args:
        labels: int `(n,)`.
        groups: int `(n,)`, the group of each row.
        seed: int. Defaults to `0`.

    Returns:
        int `(n,)`, the fold of each row, or `None` where no class has two groups.

    Example:

    >>> folds = stratified_folds(np.repeat([0, 1], 10), groups=np.arange(20) // 2)
    >>> np.bincount(folds).tolist(), bool((folds[::2] == folds[1::2]).all())
    ([4, 4, 4, 4, 4], True)
    """
    pairs, sizes = np.unique(np.stack([groups, labels]), axis=1, return_counts=True)
    groups_of_class = np.bincount(pairs[1])
    if groups_of_class.max() < 2:
        return None
    if len(np.unique(pairs[0])) == pairs.shape[1] and np.ptp(sizes) == 0:
        return _folds_of_equal_groups(labels, groups, groups_of_class, seed)
    return _folds_of_groups(labels, groups, seed)


def random_folds(groups, seed=0):
    """Folds of nearly equal size of whole groups, drawn at random.

    Args:
        groups: int `(n,)`, the group of each row.
        seed: int. Defaults to `0`.

    Returns:
        int `(n,)`, the fold of each row, or `None` for a single group.
    """
    from sklearn.model_selection import GroupKFold, KFold

    _, first, sizes = np.unique(groups, return_index=True, return_counts=True)
    if len(sizes) < 2:
        return None
    count = min(FOLDS, len(sizes))
    if np.ptp(sizes) == 0:
        folds = KFold(count, shuffle=True, random_state=seed)
        return _by_group(_numbered(folds.split(first), len(first)), groups)
    folds = GroupKFold(count, shuffle=True, random_state=seed)
    return _numbered(folds.split(groups, groups=groups), len(groups))


def _folds_of_equal_groups(labels, groups, groups_of_class, seed):
    """Of groups of one size and one class each, such as the views of an image."""
    from sklearn.model_selection import StratifiedKFold

    _, first = np.unique(groups, return_index=True)
    fewest = groups_of_class[groups_of_class > 1].min()
    folds = StratifiedKFold(min(FOLDS, fewest), shuffle=True, random_state=seed)
    return _by_group(_split(folds, labels[first]), groups)


def _folds_of_groups(labels, groups, seed):
    from sklearn.model_selection import StratifiedGroupKFold

    # No more folds than the largest class has rows, which the splitter asks for.
    count = min(FOLDS, len(np.unique(groups)), np.bincount(labels).max())
    folds = StratifiedGroupKFold(count, shuffle=True, random_state=seed)
    return _split(folds, labels, groups)


def _split(folds, labels, groups=None):
    with warnings.catch_warnings():
        # A class of one group is held out unseen once: that is what it would meet in use too.
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        return _numbered(folds.split(labels, labels, groups), len(labels))


def _by_group(fold_of, groups):
    return fold_of[np.unique(groups, return_inverse=True)[1]]


def _numbered(splits, count):
    fold_of = np.empty(count, int)
    for fold, (_, held_out) in enumerate(splits):
        fold_of[held_out] = fold
    return fold_of
