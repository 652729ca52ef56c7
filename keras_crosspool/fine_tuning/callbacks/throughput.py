"""Images a second of training, and whether the input or the computation bounds them."""

import itertools
import time

import keras
from absl import logging

_STEPS = 10
_AMPLE = 1.5  # input this many times as fast as training does not hold it up


class Throughput(keras.callbacks.Callback):
    """Measures the speed of training after the first step, which builds the graph.

    Args:
        batch_size: int, images of a step, of all devices.
    """

    def __init__(self, batch_size):
        super().__init__()
        self._batch_size = batch_size
        self._steps = self._seconds = 0
        self._last = None

    @property
    def images_per_second(self):
        """Of the steps so far, validation left out; `None` before the second step of an epoch."""
        return self._steps * self._batch_size / self._seconds if self._steps else None

    def on_epoch_begin(self, epoch, logs=None):
        self._last = None

    def on_train_batch_end(self, batch, logs=None):
        now = time.perf_counter()
        if self._last is not None:
            self._steps += 1
            self._seconds += now - self._last
        self._last = now


def input_rate(batches):
    """Images a second that `Batches` give, to all devices, while nothing else is done."""
    steps = iter(batches.dataset())
    next(steps)  # fills the pipeline
    start = time.perf_counter()
    for _ in itertools.islice(steps, _STEPS):
        pass
    return _STEPS * batches.plan.batch_size / (time.perf_counter() - start)


def report(trained, delivered):
    """Says which of the two bounds the other.

    Args:
        trained: float, images a second of training, or `None` for too few steps to tell.
        delivered: float, images a second of the input alone.

    Returns:
        dict with the figures and the `bound`, `"input"` or `"compute"`; empty if it is unknown.
    """
    if not trained:
        return {}
    bound = "compute" if delivered > _AMPLE * trained else "input"
    logging.info(
        "fine-tuning: %.1f images/s; the input alone gives %.1f: %s is the bound",
        trained,
        delivered,
        bound,
    )
    return {
        "images_per_second": round(trained, 2),
        "input_images_per_second": round(delivered, 2),
        "bound": bound,
    }
