"""Stops training where the loss is no longer finite, and says on which images."""

import math

import keras


class FiniteLoss(keras.callbacks.Callback):
    """Raises as soon as a step's loss is not finite.

    Args:
        names: function from epoch and step to the names of the step's images.
        learning_rate: float, for the message.
        first_step: int, of the first epoch, where training was taken up within one.
    """

    def __init__(self, names, learning_rate, first_step=0):
        super().__init__()
        self._names, self._learning_rate, self._first_step = names, learning_rate, first_step
        self._epoch = None

    def on_epoch_begin(self, epoch, logs=None):
        if self._epoch is not None:
            self._first_step = 0
        self._epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if math.isfinite(logs["loss"]):
            return
        step = self._first_step + batch
        raise FloatingPointError(
            "Fine-tuning diverged: the loss is no longer finite. Take a smaller `learning_rate` "
            "or look at the images of the step; the checkpoints before it are kept. Received: "
            f"loss {logs['loss']} at learning_rate={self._learning_rate}, epoch {self._epoch}, "
            f"step {step}, images {', '.join(self._names(self._epoch, step))}"
        )
