"""Confusion matrices of a size that can be looked at, however many classes there are."""

import dataclasses

import numpy as np

from keras_crosspool.numerics.largest import largest_in_order

_MOST_GROUPS = 100


@dataclasses.dataclass(frozen=True)
class Confusion:
    """What was taken for what.

    Attributes:
        names: tuple of str, classes or groups of them.
        shares: float `(n, n)`, of each true class (a row) the shares of its images that each
            prediction (a column) took; zeros where no image is of the class.
        note: str, what the rows are where they are not all classes, else empty.
    """

    names: tuple[str, ...]
    shares: np.ndarray
    note: str = ""


def confusion(logits, labels, class_names, coarse_names=None, limit=_MOST_GROUPS):
    """Counts what was taken for what, by class where few occur, else by groups of classes.

    Of more classes than `limit` the coarse classes are compared, if they are known and few enough;
    else the classes with the most mistakes, and all others together.

    Args:
        logits: float `(n, num_classes)`.
        labels: int `(n,)`.
        class_names: sequence of str, in the order of the logits.
        coarse_names: mapping from class to coarse class. Defaults to none.
        limit: int, the most rows. Defaults to `100`.

    Returns:
        `Confusion`.

    Example:

    >>> found = confusion(np.eye(3)[[0, 0, 2]], np.array([0, 2, 2]), ["pear", "plum", "milk"])
    >>> found.names, found.shares.tolist()
    (('pear', 'milk'), [[1.0, 0.0], [0.5, 0.5]])
    """
    predicted = logits.argmax(axis=1)
    present = np.unique(np.concatenate([labels, predicted]))
    true, taken = np.searchsorted(present, labels), np.searchsorted(present, predicted)
    names, groups, note = [class_names[i] for i in present], np.arange(len(present)), ""
    if len(present) > limit:
        names, groups, note = _coarse(names, coarse_names or {}, limit) or _worst(
            names, true, taken, limit
        )
    count = len(names)
    pairs = groups[true] * count + groups[taken]
    counts = np.bincount(pairs, minlength=count * count).reshape(count, count)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    return Confusion(tuple(names), shares, note)


def _coarse(names, coarse_names, limit):
    """The coarse classes, the one of each class, and a note; `None` where they do not help."""
    if not set(names) <= set(coarse_names):
        return None
    kinds, groups = np.unique([coarse_names[name] for name in names], return_inverse=True)
    if len(kinds) > limit:
        return None
    return list(map(str, kinds)), groups, f"the {len(kinds)} coarse classes of {len(names)} classes"


def _worst(names, true, taken, limit):
    """The classes with the most mistakes and all others as one, likewise."""
    wrong = true != taken
    mistakes = np.bincount(np.concatenate([true[wrong], taken[wrong]]), minlength=len(names))
    worst = largest_in_order(mistakes, limit - 1)
    groups = np.full(len(names), len(worst))
    groups[worst] = np.arange(len(worst))
    shown = [names[i] for i in worst] + [f"{len(names) - len(worst)} other classes"]
    return shown, groups, f"the {len(worst)} of {len(names)} classes with the most mistakes"
