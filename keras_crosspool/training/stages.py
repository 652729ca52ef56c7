"""The stages of a run: how long each took, and whose weights are the best."""

import contextlib
import dataclasses
import time

from absl import logging

from keras_crosspool.models.training_scores import TuningScores
from keras_crosspool.training.validation import Predictions


@dataclasses.dataclass(frozen=True)
class Kept:
    """The stage whose weights were kept.

    Attributes:
        scores: `TuningScores`, of all stages.
        predictions: `Predictions` of the model with these weights; `None` without a validation
            split.
    """

    scores: TuningScores
    predictions: Predictions | None


class Stages:
    """The weights at each stage of a run and how well they validate.

    Args:
        model: `keras.Model`.
        score: function of `Predictions` that gives the score that counts.
    """

    def __init__(self, model, score):
        self._model, self._score = model, score
        self._scores, self._weights, self._predictions = {}, {}, {}

    def reached(self, name, predictions):
        """Notes the weights at the end of a stage, and how well they validate.

        Args:
            name: str, of the stage.
            predictions: `Predictions` of the model as it is; `None` without a validation split.
        """
        if predictions is not None:
            self._scores[name] = self._score(predictions)
            self._weights[name] = self._model.get_weights()
            self._predictions[name] = predictions

    def keep_best(self):
        """Gives the model its best weights, the latest of equals; `Kept`."""
        if not self._scores:
            return Kept(TuningScores(), None)
        best = max(reversed(self._scores), key=self._scores.get)
        self._model.set_weights(self._weights[best])
        return Kept(TuningScores(self._scores, best), self._predictions[best])


class Stopwatch:
    """Seconds spent in named stages, logged as they end."""

    def __init__(self):
        self.stages = {}

    @contextlib.contextmanager
    def stage(self, name):
        """Measures what is done within, under a name."""
        start = time.perf_counter()
        yield
        seconds = time.perf_counter() - start
        self.stages[name] = round(self.stages.get(name, 0.0) + seconds, 2)
        logging.info("%s: %.1f s", name, seconds)
