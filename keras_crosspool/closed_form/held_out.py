"""Scores of rows by classifiers that did not see them."""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class LeftOut:
    """Scores of rows by a classifier from which more was left out than their fold.

    Attributes:
        images: `HeldOut`, without the views of the row's image, while photographs of its session
            stay; `None` where that is the fold alone or the form does not tell.
        classes: `HeldOut`, without the row's class, whose own column is `-inf`: what the classifier
            says of a class that it does not know; `None` for several labels an image, two classes,
            or where the form does not tell.
    """

    images: "HeldOut | None" = None
    classes: "HeldOut | None" = None


@dataclasses.dataclass(frozen=True)
class HeldOut:
    """Raw scores of held-out rows.

    Attributes:
        scores: float64 `(n, num_classes)`.
        labels: int `(n,)`, or multi-hot `(n, num_classes)`.
    """

    scores: np.ndarray
    labels: np.ndarray
