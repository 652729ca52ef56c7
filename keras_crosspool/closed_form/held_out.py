"""Scores of rows by classifiers that did not see them."""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class HeldOut:
    """Raw scores of held-out rows.

    Attributes:
        scores: float64 `(n, num_classes)`.
        labels: int `(n,)`, or multi-hot `(n, num_classes)`.
    """

    scores: np.ndarray
    labels: np.ndarray
