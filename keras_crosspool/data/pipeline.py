"""The tf.data pipeline from a split to batches of pixels, and pictures held in memory."""

import numpy as np

from keras_crosspool.data.pictures import decode_picture
from keras_crosspool.tasks import task_of


def picture_batches(split, image_size, batch_size=32):
    """Batches of decoded pictures of a split, in its own order.

    Args:
        split: `Split`.
        image_size: int, side in pixels.
        batch_size: int. Defaults to `32`.

    Returns:
        `tf.data.Dataset` of `(pictures, labels)`: uint8 `(batch, image_size, image_size, 3)` and
        int32 `(batch,)`, or multi-hot `(batch, num_classes)`; the last batch may be smaller.

    Example:

    >>> from keras_crosspool.data import open_split
    >>> batches = picture_batches(open_split("data/grocery_mini", "test"), 64, batch_size=128)
    >>> [tuple(pictures.shape) for pictures, _ in batches]
    [(128, 64, 64, 3), (64, 64, 64, 3)]
    """
    return decoded_pictures(split, image_size).batch(batch_size).prefetch(2)


def decoded_pictures(split, image_size):
    """The single decoded pictures of a split: `(uint8 picture, int32 label)`."""
    import tensorflow as tf

    def decode(encoded, label, name):
        picture = tf.numpy_function(
            lambda data, label: decode_picture(data, image_size, label.decode()),
            (encoded, name),
            tf.uint8,
            stateful=False,
        )
        return tf.ensure_shape(picture, (image_size, image_size, 3)), tf.cast(label, tf.int32)

    dataset = split.encoded().map(decode, tf.data.AUTOTUNE)
    return dataset.apply(tf.data.experimental.assert_cardinality(split.size))


def load_pictures(split, image_size, limit=None, seed=0):
    """Pictures of a split as arrays, for checks that show every runtime the same pixels.

    Args:
        split: `Split`.
        image_size: int, side in pixels.
        limit: int, the most pictures; they are drawn evenly over the classes.
            Defaults to all.
        seed: int, of the draw. Defaults to `0`.

    Returns:
        `pictures`, uint8 `(n, image_size, image_size, 3)`, and `labels`, int32 `(n,)`, or multi-hot
        `(n, num_classes)`.
    """
    chosen = _draw(split.labels, limit, seed)
    pictures = pictures_at(split, chosen, image_size)
    return np.stack([pictures[index] for index in chosen]), split.labels[chosen]


def pictures_at(split, indices, image_size):
    """The decoded pictures at some places of a split's order: a dict from index to picture."""
    wanted = {int(index) for index in indices}
    return {
        index: decode_picture(data, image_size, name.decode())
        for index, (data, _, name) in enumerate(split.encoded().as_numpy_iterator())
        if index in wanted
    }


def _draw(labels, limit, seed):
    """Indices of at most `limit` pictures, one class after the other, in rising order."""
    if limit is None or limit >= len(labels):
        return np.arange(len(labels))
    position = np.argsort(np.random.default_rng(seed).permutation(len(labels)))
    rank = np.full(len(labels), len(labels))
    for members in task_of(labels).groups(labels):
        drawn = members[np.argsort(position[members])]
        rank[drawn] = np.minimum(rank[drawn], np.arange(len(drawn)))
    return np.sort(np.lexsort((position, rank))[:limit])
