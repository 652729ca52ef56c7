"""Runs a Keras model: the reference of every comparison."""

from keras_crosspool.exporting.runner import Runner


class KerasRunner(Runner):
    """Runs a Keras model with its compiled predict function.

    Args:
        model: `keras.Model`, or the path of a model directory.
        name: str. Defaults to `"keras"`.
    """

    def __init__(self, model, name="keras"):
        super().__init__(name)
        self._source = model
        self._model = None

    def _open(self):
        from keras_crosspool import load_model

        is_model = hasattr(self._source, "predict_on_batch")
        self._model = self._source if is_model else load_model(self._source)[0]

    def _close(self):
        self._model = None

    def _infer(self, batch):
        return self._model.predict_on_batch(batch).astype("float32", copy=False)
