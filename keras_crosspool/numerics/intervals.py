"""How far a measured score may be off, where photographs come in groups."""

import numpy as np

_BLOCKS = 30
_TWO_SIDED_95 = 1.96
_ROUNDING = 1e-9  # what is narrower has no width


def jackknife_interval(measure, groups, seed=0):
    """The 95 % interval of a score, by leaving out blocks of whole groups.

    Photographs of one session are right or wrong together, so an interval that counts them one by
    one would be too narrow.

    Args:
        measure: function of a bool mask `(n,)` that gives the score of those rows.
        groups: int `(n,)`, the group of each row.
        seed: int, of the draw of groups into blocks. Defaults to `0`.

    Returns:
        The lower and the upper end, two floats; both the score where there is but one group.

    Reference:
        Busing, Meijer and van der Leeden, "Delete-m Jackknife for Unequal m", Statistics and
        Computing 9, 1999.

    Example:

    >>> right = np.random.default_rng(0).random(400) < 0.8
    >>> low, high = jackknife_interval(lambda rows: right[rows].mean(), np.arange(400))
    >>> 0.03 < (high - low) / 2 < 0.05  # 1.96 * sqrt(0.8 * 0.2 / 400) = 0.039
    True
    """
    _, numbers = np.unique(groups, return_inverse=True)
    count = min(_BLOCKS, numbers.max() + 1)
    whole = measure(np.full(len(groups), True))
    if count < 2:
        return whole, whole
    order = np.random.default_rng(seed).permutation(numbers.max() + 1)
    block = (order % count)[numbers]
    shares = len(groups) / np.bincount(block)
    without = np.array([measure(block != number) for number in range(count)])
    values = shares * whole - (shares - 1) * without
    estimate = count * whole - np.sum((1 - 1 / shares) * without)
    error = np.sqrt(np.mean((values - estimate) ** 2 / (shares - 1)))
    return float(whole - _TWO_SIDED_95 * error), float(whole + _TWO_SIDED_95 * error)


def score_interval(measure, groups, is_share):
    """The 95 % interval of a score from 0 to 1, as it is shown.

    That of `jackknife_interval`, within 0 and 1. Where no block of groups changes the score, as
    where all is right, it has no width. One group more may change it: a share has then the interval
    of as many photographs as there are groups.

    Args:
        measure: function of a bool mask `(n,)` that gives the score of those rows.
        groups: int `(n,)`, the group of each row.
        is_share: bool, whether the score is the share of rows that are right.

    Returns:
        The lower and the upper end, two floats; `None` for one group, for a score that is no
        number, and for one that no block changes and that is no share.

    Example:

    >>> [round(end, 3) for end in score_interval(lambda rows: 1.0, np.arange(12), is_share=True)]
    [0.757, 1.0]
    """
    low, high = jackknife_interval(measure, groups)
    if high - low > _ROUNDING:
        return max(low, 0.0), min(high, 1.0)
    count = len(np.unique(groups))
    if count < 2 or not is_share or np.isnan(high):
        return None
    return share_interval(round(measure(np.full(len(groups), True)) * count), count)


def difference_interval(measure, groups):
    """The 95 % interval of how much better one model scores than another on the same images.

    That of `jackknife_interval`; but where no block of groups tells the models apart it still has
    a width, since one group more may do so.

    Args:
        measure: function of a bool mask `(n,)` that gives the difference of the two scores, from
            -1 to 1, on those rows.
        groups: int `(n,)`, the group of each row; two or more groups.

    Returns:
        The lower and the upper end, two floats.

    Reference:
        Agresti and Min, "Simple Improved Confidence Intervals for Comparing Matched Proportions",
        Statistics in Medicine 24, 2005: half a pair more in each cell, of pairs that are all alike.

    Example:

    >>> [round(end, 3) for end in difference_interval(lambda rows: 0.0, np.arange(96))]
    [-0.02, 0.02]
    """
    low, high = jackknife_interval(measure, groups)
    if high - low > np.finfo("float32").eps:
        return low, high
    half = _TWO_SIDED_95 / (len(np.unique(groups)) + 2)
    return low - half, high + half


def share_interval(count, total):
    """The 95 % interval of a share, where each photograph counts by itself.

    Unlike that of a normal distribution it has a width where all are right, and stays within 0
    and 1.

    Args:
        count: int, how many are right.
        total: int, of how many.

    Returns:
        The lower and the upper end, two floats.

    Reference:
        Wilson, "Probable Inference, the Law of Succession, and Statistical Inference", Journal of
        the American Statistical Association 22, 1927.

    Example:

    >>> [round(end, 3) for end in share_interval(12, 12)]
    [0.757, 1.0]
    """
    share, square = count / total, _TWO_SIDED_95**2
    middle = (share + square / (2 * total)) / (1 + square / total)
    variance = share * (1 - share) / total + square / (4 * total**2)
    half = _TWO_SIDED_95 * np.sqrt(variance) / (1 + square / total)
    return float(max(middle - half, 0)), float(min(middle + half, 1))
