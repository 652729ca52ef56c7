"""Encoded images to squares of RGB in TensorFlow's operators, as the package's evaluation does it.

Pillow resizes in whole numbers, by weights of 22 bits, first along rows and then along columns,
and rounds after each. TensorFlow's own resize rounds the many values that lie half-way otherwise.
So the weights are computed here, and the sums are exact in float64.
"""

import io

import numpy as np
import tensorflow as tf

from keras_crosspool.data.images import decode_image
from keras_crosspool.exporting.savedmodel.orientation import read_orientation, turn_upright

_SCALES = (1, 2, 4, 8)  # by which a JPEG decoder can reduce
_UNIT = 2.0**22
_WHITE = 255.0
_COMPARED = 8  # images, one for each orientation
_ORIENTATION = 274  # the tag of Exif
_SIDES = (2.3, 0.8)  # of a compared image, as parts of the square


def read_images(encoded, size):
    """Decodes images and resizes them to squares.

    JPEGs are decoded at the smallest scale that is not below the square; transparent PNGs are laid
    on white. All are turned upright by the orientation of their EXIF.

    Args:
        encoded: string tensor `(batch,)`, JPEG or PNG files.
        size: int, side of the squares in pixels.

    Returns:
        float32 tensor `(batch, size, size, 3)`, RGB, whole numbers from 0 to 255.
    """
    images = tf.map_fn(
        lambda file: _read(file, size),
        encoded,
        fn_output_signature=tf.TensorSpec((size, size, 3), "float32"),
    )
    return tf.ensure_shape(images, (None, size, size, 3))


def largest_difference(pixels, size):
    """How far `read_images` is from the evaluation's `decode_image` on some images.

    Each image is resized to another shape, turned, and encoded as JPEG and as PNG first.

    Args:
        pixels: uint8 array `(n, height, width, 3)`; the first 8 are taken.
        size: int, side of the square in pixels.

    Returns:
        float, of 255.
    """
    encoded = [
        file
        for orientation, image in enumerate(pixels[:_COMPARED], start=1)
        for file in _encodings(image, size, orientation)
    ]
    expected = np.stack([decode_image(file, size) for file in encoded])
    found = tf.function(read_images)(tf.constant(encoded), size)
    return float(np.abs(found.numpy() - expected).max())


def _encodings(image, size, orientation):
    from PIL import Image

    shape = [round(side * size) for side in _SIDES]
    exif = Image.Exif()
    exif[_ORIENTATION] = orientation
    for kind in ("JPEG", "PNG"):
        file = io.BytesIO()
        Image.fromarray(image).resize(shape).save(file, kind, exif=exif.tobytes())
        yield file.getvalue()


def _read(file, size):
    image = tf.cond(tf.io.is_jpeg(file), lambda: _jpeg(file, size), lambda: _png(file))
    rows, columns = (_weights(tf.shape(image)[axis], size) for axis in (0, 1))
    narrow = _rounded(tf.einsum("hwc,xw->hxc", image, columns))
    square = _rounded(tf.einsum("hxc,yh->yxc", narrow, rows))
    square.set_shape((size, size, 3))
    return turn_upright(tf.cast(square, "float32"), read_orientation(file))


def _jpeg(file, size):
    shape = tf.io.extract_jpeg_shape(file)
    reduction = tf.minimum(shape[0], shape[1]) // size
    choice = tf.reduce_sum(tf.cast(reduction >= tf.constant(_SCALES[1:]), "int32"))

    def decoder(scale):
        return lambda: tf.io.decode_jpeg(
            file, channels=3, ratio=scale, dct_method="INTEGER_ACCURATE"
        )

    return tf.cast(tf.switch_case(choice, [decoder(scale) for scale in _SCALES]), "float64")


def _png(file):
    image = tf.cast(tf.io.decode_png(file, channels=4), "float64")
    colour, opacity = image[..., :3], image[..., 3:] / _WHITE
    return tf.floor(colour * opacity + _WHITE * (1 - opacity) + 0.5)


def _weights(length, size):
    """Weights of the positions of a side for those of the square, `(size, length)`, times 2**22."""
    scale = tf.cast(length, "float64") / size
    reach = tf.maximum(scale, 1.0)
    centers = (tf.range(size, dtype="float64") + 0.5) * scale
    first = tf.maximum(tf.floor(centers - reach + 0.5), 0.0)
    last = tf.floor(centers + reach + 0.5)
    positions = tf.cast(tf.range(length), "float64")[None]
    triangle = tf.maximum(1 - tf.abs(positions - centers[:, None] + 0.5) / reach, 0.0)
    inside = (positions >= first[:, None]) & (positions < last[:, None])
    triangle = tf.where(inside, triangle, 0.0)
    return tf.floor(triangle / tf.reduce_sum(triangle, axis=1, keepdims=True) * _UNIT + 0.5)


def _rounded(sums):
    return tf.clip_by_value(tf.floor(sums / _UNIT + 0.5), 0.0, _WHITE)
