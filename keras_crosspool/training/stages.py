"""The stages of a run: how long each took, and whose weights are the best."""

import contextlib
import time

from absl import logging


class Stages:
    """The weights at each stage of a run and how well they validate.

    Args:
        model: `keras.Model`.
        metric: str, the score that counts.
        scores: function without arguments that gives the scores of the model as it is, a dict.
    """

    def __init__(self, model, metric, scores):
        self._model, self._metric, self._scores = model, metric, scores
        self._reached = {}

    def reached(self, name):
        """Notes the weights at the end of a stage, and how well they validate."""
        self._reached[name] = (self._scores().get(self._metric), self._model.get_weights())

    def keep_best(self):
        """Gives the model its best weights, the latest of equals; what each stage reached."""
        best = max(reversed(self._reached), key=lambda name: self._reached[name][0])
        self._model.set_weights(self._reached[best][1])
        metrics = {f"{name}_{self._metric}": x for name, (x, _) in self._reached.items()}
        return {**metrics, "kept_stage": best}


class Stopwatch:
    """Seconds spent in named stages, logged as they end."""

    def __init__(self):
        self.stages = {}

    @contextlib.contextmanager
    def stage(self, name):
        """Measures what is done within, under a name."""
        start = time.perf_counter()
        yield
        self.stages[name] = round(time.perf_counter() - start, 2)
        logging.info("%s: %.1f s", name, self.stages[name])
