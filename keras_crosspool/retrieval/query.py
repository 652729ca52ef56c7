"""Image files as queries: their descriptors are compared with every descriptor kept."""

import dataclasses

import numpy as np

from keras_crosspool.data import MAX_MEGAPIXELS, read_images
from keras_crosspool.names import readable
from keras_crosspool.retrieval.neighbours import Neighbour, nearest, vote


@dataclasses.dataclass(frozen=True)
class Query:
    """An image and what was found for it.

    Attributes:
        path: str, the file.
        image: uint8 `(image_size, image_size, 3)`, as the model saw it.
        neighbours: tuple of `Neighbour`, the nearest first.
    """

    path: str
    image: np.ndarray
    neighbours: tuple[Neighbour, ...]

    @property
    def votes(self):
        """The neighbours' classes as `vote` counts them."""
        return vote(self.neighbours)

    def to_dict(self):
        """The query as plain data, for JSON."""
        neighbours = [
            {
                "rank": rank,
                "similarity": found.similarity,
                "classes": list(found.entry.classes),
                "image": found.entry.image,
            }
            for rank, found in enumerate(self.neighbours, 1)
        ]
        votes = [
            {"class": v.class_name, "votes": v.votes, "similarity": v.similarity}
            for v in self.votes
        ]
        return {"path": self.path, "neighbours": neighbours, "votes": votes}


def search_images(
    store, descriptor_model, paths, count=10, skip_broken=False, max_megapixels=MAX_MEGAPIXELS
):
    """Finds the images in a store that are nearest to image files.

    Args:
        store: `DescriptorStore`.
        descriptor_model: `DescriptorModel` of the model that the store was made with.
        paths: list of paths.
        count: int, neighbours of each query. Defaults to `10`.
        skip_broken: bool, whether images that cannot be used are left out instead of stopping.
            Defaults to `False`.
        max_megapixels: float, the largest image that is decoded. Defaults to `MAX_MEGAPIXELS`.

    Returns:
        List of `Query`, in the order of the paths.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the store was made with another model, or a file is no whole image.
    """
    check_same_model(store, descriptor_model)
    image_size = descriptor_model.metadata.image_size
    named = read_images(paths, image_size, skip_broken, max_megapixels)
    return search_decoded(store, descriptor_model, named, count)


def check_same_model(store, descriptor_model):
    """Refuses descriptors that cannot be compared with those of a model.

    Args:
        store: `DescriptorStore`.
        descriptor_model: `DescriptorModel`.

    Raises:
        ValueError: if the store was made with another model.
    """
    record, metadata = store.record, descriptor_model.metadata
    if record.model_fingerprint != descriptor_model.fingerprint:
        raise ValueError(
            "The descriptors were made with another model, so they cannot be compared: give that "
            f"one, or extract again with this one. Received: {metadata.name}, sha256 "
            f"{descriptor_model.fingerprint}, for descriptors of {record.model}, sha256 "
            f"{record.model_fingerprint}"
        )


def search_decoded(store, descriptor_model, named, count=10):
    """Finds the images in a store that are nearest to images that are decoded.

    Args:
        store: `DescriptorStore`.
        descriptor_model: `DescriptorModel` of the model that the store was made with.
        named: list of pairs: a path, and its uint8 array `(image_size, image_size, 3)`.
        count: int, neighbours of each query. Defaults to `10`.

    Returns:
        List of `Query`, in the order of the images.
    """
    images = [image for _, image in named]
    batches = [
        images[start : start + descriptor_model.batch_size]
        for start in range(0, len(images), descriptor_model.batch_size)
    ]
    descriptors = np.concatenate([descriptor_model.compute(np.stack(batch)) for batch in batches])
    found = nearest(store, descriptors, count)
    rows = zip(named, found, strict=True)
    return [Query(readable(path), image, tuple(near)) for (path, image), near in rows]
