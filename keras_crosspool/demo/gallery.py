"""The images that descriptors were made of, asked for those nearest to an image."""

import pathlib

from keras_crosspool.data import MAX_MEGAPIXELS
from keras_crosspool.demo.similar_image import SimilarImage
from keras_crosspool.models.directory import own_splits
from keras_crosspool.retrieval import extract, open_descriptors
from keras_crosspool.retrieval.contact_sheet import stored_images
from keras_crosspool.retrieval.descriptor_model import DescriptorModel
from keras_crosspool.retrieval.query import check_same_model, search_decoded

_SIDE = 256  # pixels of an image


class Gallery:
    """A folder of descriptors beside the images that they were made of.

    Args:
        model: path of the model directory.
        descriptors: path of a folder that `extract` wrote with that model.
        data: str, where the images are now. Defaults to where they were.
        count: int, images to find. Defaults to `8`.
        max_megapixels: float, the largest image that is decoded. Defaults to `MAX_MEGAPIXELS`.

    Raises:
        ValueError: if the descriptors are damaged or of another model, or the images are not those
            that they were made of.

    Example:

    >>> gallery = Gallery("quickstart/model", "descriptors")  # doctest: +SKIP
    >>> gallery.similar_to(image)[0].caption()  # doctest: +SKIP
    'Pink-Lady 0.871'
    """

    def __init__(self, model, descriptors, data=None, count=8, max_megapixels=MAX_MEGAPIXELS):
        self._store = open_descriptors(descriptors)
        self._descriptor_model = DescriptorModel(model, batch_size=1)
        check_same_model(self._store, self._descriptor_model)
        self._images = stored_images(self._store, data, max_megapixels, own_splits(model))
        self._count = count
        self._descriptor_model.warm_up()

    def similar_to(self, image):
        """Finds the nearest images.

        Args:
            image: uint8 `(image_size, image_size, 3)`, RGB, as the model sees it.

        Returns:
            Tuple of `SimilarImage`, the nearest first.

        Raises:
            ValueError: if the descriptors or an image that was found are damaged.
        """
        (query,) = search_decoded(
            self._store, self._descriptor_model, [("image", image)], self._count
        )
        images = self._images.images_at([found.position for found in query.neighbours], _SIDE)
        return tuple(
            SimilarImage(pixels, found.entry.classes, found.similarity)
            for pixels, found in zip(images, query.neighbours, strict=True)
        )


def open_gallery(config, folder):
    """Opens the gallery of a demo, and computes the descriptors where none are named.

    Args:
        config: `DemoConfig`.
        folder: path of the folder to write such descriptors to.

    Returns:
        `Gallery`.

    Raises:
        ValueError: as `Gallery` and `extract` do.
    """
    descriptors = config.descriptors
    if descriptors is None:
        extract(config.model, folder, config.data, **config.image_options())
        descriptors = folder
    return Gallery(config.model, descriptors, config.data, config.nearest, config.max_megapixels)


def why_no_gallery(config, metadata):
    """Why a demo goes without a gallery.

    Args:
        config: `DemoConfig`.
        metadata: `ModelMetadata` of the model.

    Returns:
        str, a sentence; `None` where the images are there, or are looked for.
    """
    if not config.nearest:
        return "The nearest images are left out, as `nearest=0` asks."
    data = metadata.data["path"]
    named = config.descriptors or config.data or data.startswith("tfds:")
    if named or pathlib.Path(data).exists():
        return None
    return (
        "The nearest images are left out, because the training images are not where they were: "
        f"name with `data` where they are now. Received: {data}"
    )
