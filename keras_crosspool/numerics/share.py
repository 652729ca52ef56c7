"""A share of the rows that is held out: whole groups, and of each class its share."""

import numpy as np

_LEFT = 2  # groups that stay: cross-validation among them needs as many


def held_out_share(labels, groups, share, seed=0):
    """Draws whole groups until a share of each class is held out, as nearly as groups allow.

    Groups come in random order; one is held out if that brings its classes nearer to their share. A
    class of which none was is then given its smallest group, unless that were more than half of a
    class. A class of one group is never held out, nor are the last two groups.

    Args:
        labels: int `(n,)`, or multi-hot `(n, num_classes)`; rows without a label are a class too.
        groups: int `(n,)`, the group of each row.
        share: float, from 0 to 1, of the rows of each class.
        seed: int. Defaults to `0`.

    Returns:
        bool `(n,)`, whether a row is held out.

    Example:

    >>> days = np.repeat(np.arange(10), 4)
    >>> held_out = held_out_share(np.repeat([0, 1], 20), days, 0.2)
    >>> held_out.sum(), len(set(days[held_out]))
    (np.int64(8), 2)
    """
    _, groups = np.unique(groups, return_inverse=True)
    draw = _Draw(groups, *_classes_of_rows(labels), share, np.random.default_rng(seed))
    if share > 0:
        draw.take_nearest()
        draw.take_smallest()
    return draw.held_out[groups]


def _classes_of_rows(labels):
    """Each class of each row: the rows and the classes, two int arrays."""
    if labels.ndim == 1:
        return np.arange(len(labels)), np.unique(labels, return_inverse=True)[1]
    none = ~labels.any(axis=1)
    return np.nonzero(np.column_stack([labels, none]))


class _Draw:
    """The groups that are held out so far, and how many rows of each class are in them."""

    def __init__(self, groups, rows, classes, share, rng):
        count = groups.max() + 1
        pairs, sizes = np.unique(np.stack([groups[rows], classes]), axis=1, return_counts=True)
        ends = np.cumsum(np.bincount(pairs[0], minlength=count))[:-1]
        self._classes, self._sizes = np.split(pairs[1], ends), np.split(sizes, ends)
        self._rows = np.bincount(groups)
        self._totals = np.bincount(classes)
        self._left = np.bincount(pairs[1])  # groups of each class that are not held out
        self._wanted, self._taken = share * self._totals, np.zeros(len(self._totals), int)
        self._order = rng.permutation(count)
        self.held_out = np.zeros(count, bool)

    def take_nearest(self):
        for group in self._order:
            classes, sizes = self._classes[group], self._sizes[group]
            before = self._taken[classes] - self._wanted[classes]
            if np.sum(np.abs(before + sizes) - np.abs(before)) < 0:
                self._take(group)

    def take_smallest(self):
        for group in sorted(self._order, key=lambda group: self._rows[group]):
            classes, sizes = self._classes[group], self._sizes[group]
            taken, most = self._taken[classes], self._totals[classes] / 2
            if (taken == 0).any() and (taken + sizes <= most).all():
                self._take(group)

    def _take(self, group):
        classes = self._classes[group]
        if (self._left[classes] > 1).all() and np.sum(~self.held_out) > _LEFT:
            self.held_out[group] = True
            self._left[classes] -= 1
            self._taken[classes] += self._sizes[group]
