"""What is known of a model by the validation split, or without it."""

import dataclasses

import numpy as np

from keras_crosspool.targets.rejection import Rejection
from keras_crosspool.training.validation import Predictions


@dataclasses.dataclass(frozen=True)
class Judged:
    """What is known of a model by the validation split, or without it.

    Attributes:
        predictions: `Predictions`; `None` without a split.
        thresholds: float `(classes,)` of several labels, or `None`.
        rejection: `Rejection`, or `None`.
        scores: dict, score to value on the split; empty before it was validated.
    """

    predictions: Predictions | None
    thresholds: np.ndarray | None
    rejection: Rejection | None
    scores: dict[str, float] = dataclasses.field(default_factory=dict)
