"""A classifier whose descriptor was shortened."""

import dataclasses

from keras_crosspool.models.classifier import CrossPoolClassifier


@dataclasses.dataclass(frozen=True)
class CompressedModel:
    """A classifier whose descriptor was shortened, and what it was solved with.

    Attributes:
        model: `CrossPoolClassifier`.
        alpha: float, the ridge or SVM penalty.
    """

    model: CrossPoolClassifier
    alpha: float
