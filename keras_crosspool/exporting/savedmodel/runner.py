"""Runs a SavedModel with TensorFlow."""

from keras_crosspool.exporting.output_names import PROBABILITIES
from keras_crosspool.exporting.runner import Runner


class SavedModelRunner(Runner):
    """Runs a signature of a SavedModel by TensorFlow's own loader.

    Args:
        path: path of the folder.
        signature: str, which takes images `(n, height, width, 3)`. Defaults to
            `"serving_default"`.
        name: str. Defaults to `"tensorflow"`.

    Raises:
        ValueError: on opening, if the folder is no SavedModel or has no such signature.
    """

    def __init__(self, path, signature="serving_default", name="tensorflow"):
        super().__init__(name)
        self._path = str(path)
        self._signature = signature
        self._loaded = None

    def _open(self):
        import tensorflow as tf

        try:
            self._loaded = tf.saved_model.load(self._path)
            self._call = self._loaded.signatures[self._signature]
        except (OSError, KeyError, ValueError, tf.errors.OpError) as error:
            raise ValueError(
                f"TensorFlow cannot load the signature {self._signature}; export the model again "
                f"({error}). Received: {self._path}"
            ) from error
        (self._output,) = self._call.structured_outputs
        self.gives_probabilities = self._output == PROBABILITIES

    def _close(self):
        self._loaded = self._call = None

    def _infer(self, batch):
        import tensorflow as tf

        return self._call(image=tf.constant(batch))[self._output].numpy()
