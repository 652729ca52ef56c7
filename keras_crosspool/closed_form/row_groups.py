"""What the rows of a solver's problem have in common."""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class RowGroups:
    """Which rows belong together, of the rows of all workers.

    Attributes:
        images: int `(n,)`, the image that each row is a view of.
        sessions: int `(n,)`, the session in which it was taken; the image where that is unknown.
        owners: int `(n,)`, the worker that has the row.
    """

    images: np.ndarray
    sessions: np.ndarray
    owners: np.ndarray

    @property
    def has_sessions(self):
        """Whether any session has more than one image."""
        return len(np.unique(self.sessions)) < len(np.unique(self.images))
