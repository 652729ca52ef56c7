"""From a split to batches of pixels, and images held in memory."""

import dataclasses
import itertools
import math

import numpy as np

from keras_crosspool.data.images import decode_image
from keras_crosspool.data.parallel import ordered_map
from keras_crosspool.data.split import Split
from keras_crosspool.targets import task_of


@dataclasses.dataclass(frozen=True)
class ImageBatches:
    """Batches of decoded images of a split, in its own order; each pass decodes them anew.

    Threads decode while the batch before is in use. An image that can no longer be read ends the
    pass with an error that names it.

    Attributes:
        split: `Split`.
        image_size: int, side in pixels.
        batch_size: int.
    """

    split: Split
    image_size: int
    batch_size: int

    def __len__(self):
        """The number of batches."""
        return math.ceil(self.split.size / self.batch_size)

    def __iter__(self):
        """Yields `(images, labels)`, as `image_batches` says."""
        batch, start = [], 0
        for image in decoded_images(self.split, self.image_size):
            batch.append(image)
            if len(batch) == self.batch_size or start + len(batch) == self.split.size:
                yield np.stack(batch), self.split.labels[start : start + len(batch)]
                batch, start = [], start + len(batch)


def image_batches(split, image_size, batch_size=32):
    """Batches of decoded images of a split, in its own order.

    Args:
        split: `Split`.
        image_size: int, side in pixels.
        batch_size: int. Defaults to `32`.

    Returns:
        `ImageBatches` of `(images, labels)`: uint8 `(batch, image_size, image_size, 3)` and
        int32 `(batch,)`, or multi-hot `(batch, num_classes)`; the last batch may be smaller.

    Example:

    >>> from keras_crosspool.data import open_split
    >>> batches = image_batches(open_split("data/grocery_mini", "test"), 64, batch_size=128)
    >>> [images.shape for images, _ in batches]
    [(128, 64, 64, 3), (64, 64, 64, 3)]
    """
    return split.batches(image_size, batch_size)


def decoded_images(split, image_size):
    """The decoded images of a split, one after the other: an iterator over uint8 arrays."""

    def decode(item):
        index, encoded = item
        encoded = split.read(index) if encoded is None else encoded
        return decode_image(encoded, image_size, split.names[index], split.max_megapixels)

    indices = range(split.size)
    # Files are read by the threads too; what comes one after the other is not.
    items = itertools.repeat(None, split.size) if split.read else split.encoded(indices)
    return ordered_map(decode, zip(indices, items, strict=True))


def load_images(split, image_size, limit=None, seed=0):
    """Images of a split as arrays, for checks that show every runtime the same pixels.

    Args:
        split: `Split`.
        image_size: int, side in pixels.
        limit: int, the most images; they are drawn evenly over the classes.
            Defaults to all.
        seed: int, of the draw. Defaults to `0`.

    Returns:
        `images`, uint8 `(n, image_size, image_size, 3)`, and `labels`, int32 `(n,)`, or multi-hot
        `(n, num_classes)`.
    """
    chosen = _draw(split.labels, limit, seed)
    return split.images_at(chosen, image_size), split.labels[chosen]


def decoded_images_at(split, indices, image_size):
    """The decoded images at some positions of a split's order: a dict from index to image."""
    indices = sorted({int(index) for index in indices})
    return {
        index: decode_image(encoded, image_size, split.names[index], split.max_megapixels)
        for index, encoded in zip(indices, split.encoded(indices), strict=True)
    }


def _draw(labels, limit, seed):
    """Indices of at most `limit` images, drawn evenly over the classes, in rising order."""
    if limit is None or limit >= len(labels):
        return np.arange(len(labels))
    return np.sort(even_order(labels, seed)[:limit])


def even_order(labels, seed=0):
    """A random order of images in which any first ones cover the classes evenly.

    Args:
        labels: int `(n,)`, or multi-hot `(n, num_classes)`.
        seed: int. Defaults to `0`.

    Returns:
        int `(n,)`, indices.
    """
    position = np.argsort(np.random.default_rng(seed).permutation(len(labels)))
    rank = np.full(len(labels), len(labels))
    for members in task_of(labels).groups(labels):
        drawn = members[np.argsort(position[members])]
        rank[drawn] = np.minimum(rank[drawn], np.arange(len(drawn)))
    return np.lexsort((position, rank))
