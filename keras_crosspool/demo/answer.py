"""What the demo says of one image."""

import dataclasses

import numpy as np

from keras_crosspool.demo.similar_image import SimilarImage
from keras_crosspool.evaluation.prediction import Prediction

_TOP = 5


@dataclasses.dataclass(frozen=True)
class Answer:
    """All that is shown of one image.

    Attributes:
        prediction: `Prediction`.
        milliseconds: float, from the decoded image to its probabilities.
        explanation: uint8 `(height, width, 3)`, the heat maps of the best class and the runner-up;
            `None` for a model that has no positions to explain.
        similar: tuple of `SimilarImage`, the nearest first; empty without a gallery.
    """

    prediction: Prediction
    milliseconds: float
    explanation: np.ndarray | None
    similar: tuple[SimilarImage, ...]

    def sentence(self):
        """What the model says is there, in a line."""
        prediction = self.prediction
        count, best = len(prediction.class_names), prediction.ranked()[0][0]
        if prediction.refused:
            return f"none of the {count} classes; nearest: {best}"
        if prediction.thresholds is None:
            return best
        return ", ".join(self.probabilities()) or f"none of the {count} labels"

    def probabilities(self):
        """The best five classes, or the labels over their thresholds: dict, name to probability."""
        return {name: probability for name, probability, _ in self.prediction.listed(_TOP)}
