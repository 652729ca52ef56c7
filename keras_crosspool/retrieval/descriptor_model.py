"""From images to descriptors with a trained model."""

import keras
import numpy as np

from keras_crosspool.models.directory import load_model
from keras_crosspool.models.fingerprint import model_fingerprint


class DescriptorModel:
    """A trained model up to its descriptor, run in batches of one size.

    Args:
        directory: path of the model directory.
        batch_size: int, images computed at once. Defaults to `32`.

    Attributes:
        metadata: `ModelMetadata`.
        batch_size: int.
        dims: int, values of a descriptor.
        fingerprint: str, sha256 of the layers and weights; the classifier has no part in it.

    Raises:
        ValueError: if the directory is no whole model directory.
    """

    def __init__(self, directory, batch_size=32):
        model, self.metadata = load_model(directory)
        self._model = keras.Model(model.input, model.descriptor)
        self.batch_size = batch_size
        self.dims = self._model.output_shape[-1]
        self.fingerprint = model_fingerprint(self._model)

    def warm_up(self):
        """Builds the graph, so that what follows runs at its steady speed."""
        shape = (self.batch_size, *self._model.input_shape[1:])
        self._model.predict_on_batch(np.zeros(shape, "uint8"))

    def compute(self, images):
        """Computes the descriptors of a batch.

        A smaller batch is filled up: another shape would build another graph, which takes seconds
        and may give other last bits.

        Args:
            images: uint8 `(n, image_size, image_size, 3)`, RGB; at most `batch_size` of them.

        Returns:
            float32 `(n, dims)`.

        Raises:
            FloatingPointError: if a descriptor is not finite.
        """
        missing = self.batch_size - len(images)
        batch = np.pad(images, ((0, missing), (0, 0), (0, 0), (0, 0))) if missing else images
        # The graph itself casts to float, which spares copies four times the size.
        descriptors = self._model.predict_on_batch(batch)[: len(images)]
        if not np.isfinite(descriptors).all():
            raise FloatingPointError(
                "Descriptors must be finite; the model's weights are not what they should be. "
                f"Received: NaN or infinity from {self.metadata.name}"
            )
        return descriptors.astype("float32", copy=False)
