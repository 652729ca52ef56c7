"""Rows of several arrays that are read as one, without a copy of them."""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class StackedRows:
    """The rows of several arrays, one after the other's.

    Attributes:
        parts: tuple of arrays `(rows, dims)`, of the same dims.

    Example:

    >>> rows = StackedRows((np.zeros((2, 3)), np.ones((1, 3))))
    >>> rows.shape, rows[[2, 0]].tolist()
    ((3, 3), [[1.0, 1.0, 1.0], [0.0, 0.0, 0.0]])
    """

    parts: tuple[np.ndarray, ...]

    @classmethod
    def of(cls, *arrays):
        """The rows of arrays and of stacked rows, one after the other's."""
        return cls(tuple(part for array in arrays for part in parts_of(array)))

    @property
    def shape(self):
        """Tuple of int, `(rows, dims)`."""
        return len(self), self.parts[0].shape[1]

    def __len__(self):
        return sum(map(len, self.parts))

    def __getitem__(self, positions):
        """The rows at some positions, a slice or indices; of several parts a copy."""
        if len(self.parts) == 1:
            return self.parts[0][positions]
        positions = np.arange(len(self))[positions]
        rows = np.empty((len(positions), self.shape[1]), self.parts[0].dtype)
        first = 0
        for part in self.parts:
            own = (positions >= first) & (positions < first + len(part))
            rows[own] = part[positions[own] - first]
            first += len(part)
        return rows

    def __array__(self, dtype=None, copy=None):
        """A copy of all rows as one array."""
        return np.concatenate(self.parts).astype(dtype, copy=False)


def parts_of(rows):
    """The arrays that rows lie in: those of stacked rows, or the one array itself.

    Example:

    >>> len(parts_of(np.zeros((2, 3))))
    1
    """
    return rows.parts if isinstance(rows, StackedRows) else (rows,)
