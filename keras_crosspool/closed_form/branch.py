"""One branch's descriptors of the training images, as the solver needs them."""

import dataclasses
import functools
from collections.abc import Mapping

import numpy as np

from keras_crosspool.array_file import release
from keras_crosspool.distribution import ONE_DEVICE, Distribution
from keras_crosspool.stacked_rows import StackedRows, parts_of

_COLUMNS = 1024  # of the descriptors that worker processes show each other at once
BLOCK = 2**28  # bytes of descriptors that are multiplied at once


@dataclasses.dataclass(frozen=True)
class Branch:
    """Descriptors of one branch, and what they would be had a fold not been trained on.

    Attributes:
        descriptors: float32 `(images, dims)`, in memory, a `scratch_array` or `StackedRows`.
        rows: int `(n,)`, the descriptor that stands in each row of the solver's problem; rows that
            are views of one image may share a descriptor. Defaults to one row a descriptor.
        fold_grams: mapping from fold to the `(images, images)` inner products of descriptors
            that were fitted without that fold's labels. Empty where fitting used no labels.
        projection: sparse `(dims, longer dims)`, from `random_projection`, where the descriptors
            are projections of longer ones. Defaults to none.
        known_gram: float32 `(images, images)`, the inner products of the descriptors where they are
            known already. Defaults to none.
        distribution: `Distribution` of the rows: each worker has its own. With `rows` every worker
            has all descriptors. Defaults to one device, which has all.
    """

    descriptors: np.ndarray | StackedRows
    rows: np.ndarray | None = None
    fold_grams: Mapping[int, np.ndarray] = dataclasses.field(default_factory=dict)
    projection: object = None
    known_gram: np.ndarray | None = None
    distribution: Distribution = ONE_DEVICE

    @property
    def dims(self):
        """Length of a descriptor, as it is here."""
        return self.descriptors.shape[1]

    def take(self, positions):
        """This worker's rows at some positions, `(len(positions), dims)`; a slice or indices."""
        return self.descriptors[positions if self.rows is None else self.rows[positions]]

    def gram(self, fold=None):
        """Inner products of all rows, `(n, n)`; with a fold, fitted without that one's labels.

        Of the rows of all workers, one worker's after the other's.

        Example:

        >>> branch = Branch(np.array([[1.0, 0.0], [3.0, 4.0]], "float32"), np.array([0, 1, 1]))
        >>> branch.gram().tolist()
        [[1.0, 3.0, 3.0], [3.0, 25.0, 25.0], [3.0, 25.0, 25.0]]
        """
        gram = self.fold_grams.get(fold, self._gram)
        return gram if self.rows is None else gram[np.ix_(self._all_rows, self._all_rows)]

    def kernel(self, dual_coef):
        """The weights `(dims, classes)` of a classifier by its dual coefficients `(n, classes)`."""
        if self.rows is not None:
            summed = np.zeros((len(self.descriptors), dual_coef.shape[1]))
            np.add.at(summed, self._all_rows, dual_coef)
            return self.unprojected(_kernel_of(self.descriptors, summed.astype("float32")))
        own = dual_coef[self._first_row :][: len(self.descriptors)].astype("float32")
        return self.unprojected(self.distribution.all_reduce(_kernel_of(self.descriptors, own)))

    def unprojected(self, kernel):
        """The weights for the descriptors before projection: the same scores from longer rows."""
        return kernel if self.projection is None else self.projection.T @ kernel

    @property
    def descriptor_gram(self):
        """Inner products of the descriptors, `(images, images)`, whatever rows they stand in."""
        return self._gram

    @functools.cached_property
    def _gram(self):
        if self.known_gram is not None:
            return self.known_gram
        if self.rows is not None or self.distribution.size == 1:
            return _gram_of(self.descriptors)
        return _gram_of_workers(self.descriptors, self.distribution)

    @functools.cached_property
    def _all_rows(self):
        return self.distribution.all_gather(self.rows)

    @functools.cached_property
    def _first_row(self):
        counts = self.distribution.all_gather([len(self.descriptors)])
        return counts[: self.distribution.rank].sum()


def _blocks(rows):
    """Blocks of rows, each of `BLOCK` bytes at most, with the slices at which they are.

    A block that is mapped from a file leaves the memory when the next one is taken.
    """
    first = 0
    for part in parts_of(rows):
        step = max(1, BLOCK // (part.itemsize * part.shape[1]))
        for start in range(0, len(part), step):
            block = part[start : start + step]
            yield slice(first + start, first + start + len(block)), block
            release(part)
        first += len(part)


def _gram_of(rows):
    """All inner products of rows, of which two blocks are in memory at a time."""
    gram = np.empty((len(rows), len(rows)), "float32")
    for left, left_rows in _blocks(rows):
        for right, right_rows in _blocks(rows):
            gram[left, right] = left_rows @ right_rows.T
            gram[right, left] = gram[left, right].T
            if right == left:
                break
    return gram


def extended_gram(gram, rows, added):
    """The inner products of rows and of some that are added to them.

    Args:
        gram: float32 `(n, n)`, those of the rows.
        rows: `(n, dims)`, or `StackedRows`.
        added: `(m, dims)`.

    Returns:
        float32 `(n + m, n + m)`.
    """
    count = len(rows)
    extended = np.empty((count + len(added),) * 2, "float32")
    extended[:count, :count] = gram
    extended[count:, count:] = added @ added.T
    for columns, block in _blocks(rows):
        extended[count:, columns] = added @ block.T
    extended[:count, count:] = extended[count:, :count].T
    return extended


def _kernel_of(rows, dual_coef):
    """`rows.T @ dual_coef`, a block of rows at a time."""
    kernel = np.zeros((rows.shape[1], dual_coef.shape[1]), "float32")
    for own, block in _blocks(rows):
        kernel += block.T @ dual_coef[own]
    return kernel


def _gram_of_workers(rows, distribution):
    """All inner products of the rows of all workers, none of which holds them all.

    A Gram matrix is a sum over columns: some columns of all rows at a time, each worker in turn
    adds up its share.
    """
    gram = None
    for turn, start in enumerate(range(0, rows.shape[1], _COLUMNS)):
        columns = distribution.all_gather(rows[:, start : start + _COLUMNS])
        if gram is None:
            gram = np.zeros((len(columns), len(columns)), "float32")
        if turn % distribution.size == distribution.rank:
            gram += columns @ columns.T
        release(rows)
    return distribution.all_reduce(gram)
