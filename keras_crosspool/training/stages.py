"""The stages of a run: how long each took, and whose weights are the best."""

import contextlib
import time

from absl import logging

from keras_crosspool.models.training_scores import TuningScores


class Stages:
    """The weights at each stage of a run and how well they validate.

    Args:
        model: `keras.Model`.
        score: function of the model that gives the score that counts; `None` without a validation
            split.
    """

    def __init__(self, model, score):
        self._model, self._score = model, score
        self._scores, self._weights = {}, {}

    def reached(self, name):
        """Notes the weights at the end of a stage, and how well they validate."""
        if self._score:
            self._scores[name] = self._score(self._model)
            self._weights[name] = self._model.get_weights()

    def keep_best(self):
        """Gives the model its best weights, the latest of equals; `TuningScores`."""
        if not self._score:
            return TuningScores()
        best = max(reversed(self._scores), key=self._scores.get)
        self._model.set_weights(self._weights[best])
        return TuningScores(self._scores, best)


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
