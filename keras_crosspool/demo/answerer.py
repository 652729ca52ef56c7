"""From an image file to all that the demo says of it."""

import io
import time

import numpy as np

from keras_crosspool.data import MAX_MEGAPIXELS
from keras_crosspool.data.images import decode_image
from keras_crosspool.data.reading import read_file
from keras_crosspool.demo.answer import Answer
from keras_crosspool.evaluation.prediction import explain, predict_image
from keras_crosspool.models.pooled_branch import PooledBranch


class Answerer:
    """A model that answers image files, one after the other.

    Args:
        model: `CrossPoolClassifier`.
        metadata: its `ModelMetadata`.
        gallery: `Gallery`, which finds the nearest images. Defaults to none.
        max_megapixels: float, the largest image that is decoded. Defaults to `MAX_MEGAPIXELS`.

    Example:

    >>> model, metadata = load_model("quickstart/model")  # doctest: +SKIP
    >>> answer = Answerer(model, metadata).answer("photo.jpg", "photo.jpg")  # doctest: +SKIP
    >>> answer.sentence()  # doctest: +SKIP
    'Pink-Lady'
    """

    def __init__(self, model, metadata, gallery=None, max_megapixels=MAX_MEGAPIXELS):
        self.metadata = metadata
        self._model, self._gallery, self._max_megapixels = model, gallery, max_megapixels
        side = metadata.image_size
        predict_image(model, metadata, "", np.zeros((side, side, 3), "uint8"))  # builds the graph

    def answer(self, path, name):
        """Answers one image file.

        Args:
            path: path of the file.
            name: str, how an error calls it.

        Returns:
            `Answer`.

        Raises:
            ImageError: if the file is no whole image, or too large.
        """
        encoded = read_file(path, self._max_megapixels)
        image = decode_image(encoded, self.metadata.image_size, name, self._max_megapixels)
        start = time.perf_counter()
        prediction = predict_image(self._model, self.metadata, name, image)
        milliseconds = 1000 * (time.perf_counter() - start)
        similar = self._gallery.similar_to(image) if self._gallery else ()
        return Answer(prediction, milliseconds, self._explanation(prediction), similar)

    def _explanation(self, prediction):
        if not all(isinstance(branch, PooledBranch) for branch in self._model.branches):
            return None
        from PIL import Image

        file = io.BytesIO()
        explain(self._model, self.metadata, [prediction], file)
        return np.asarray(Image.open(file).convert("RGB"))
