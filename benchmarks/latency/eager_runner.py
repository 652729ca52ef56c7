"""Runs a Keras model as `model(x)`, operation by operation."""

from keras_crosspool.exporting.runners import KerasRunner


class EagerRunner(KerasRunner):
    """Runs a Keras model by calling it, without a compiled function.

    Args:
        model: `keras.Model`, or the path of a model directory.
    """

    def __init__(self, model):
        super().__init__(model, "keras eager")

    def _infer(self, batch):
        from keras import ops

        # Copying the logits to NumPy waits for them, so a timed call is a whole one.
        return ops.convert_to_numpy(self._model(batch, training=False)).astype("float32")
