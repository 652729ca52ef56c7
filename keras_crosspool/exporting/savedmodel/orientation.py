"""The camera's orientation of JPEG and PNG files, found and applied in TensorFlow's operators.

Bytes beyond the end of a file count as zero. A file without an orientation from 1 to 8 counts as
upright.
"""

import tensorflow as tf

_MOST_SEGMENTS = 1 << 14  # a file of junk must not keep a server busy
_EXIF, _JPEG_EXIF = int.from_bytes(b"eXIf"), int.from_bytes(b"Exif\0\0")
_APP1, _SCAN, _FILL = 0xFFE1, 0xFFDA, 0xFF
_WITHOUT_LENGTH = (0x00, 0x01, *range(0xD0, 0xDA))
_LITTLE, _BIG = int.from_bytes(b"II*\0"), int.from_bytes(b"MM\0*")
_ORIENTATION, _SHORT = 274, 3
_TRANSPOSED, _LEFT_RIGHT, _UPSIDE_DOWN = (5, 6, 7, 8), (2, 3, 6, 7), (3, 4, 7, 8)


def read_orientation(file):
    """Finds the orientation that the EXIF of a file states.

    Args:
        file: string tensor, a JPEG or PNG file.

    Returns:
        int64 tensor, 1 (upright) to 8.

    Reference: Exif 2.32, 4.6.4, tag 274; JPEG, ITU-T T.81, B.1.1; PNG, third edition, 11.3.4.5.
    """
    content = tf.io.decode_raw(file, "uint8")
    exif = tf.cond(
        tf.io.is_jpeg(file), lambda: _exif_of_jpeg(content), lambda: _exif_of_png(content)
    )
    exif = tf.concat([exif, tf.zeros(4, "uint8")], 0)  # there is always something to read
    is_big = _numbers(exif, 0, 4) == _BIG
    is_known = is_big | (_numbers(exif, 0, 4) == _LITTLE)
    value = _tag(exif, is_big)
    return tf.where(is_known & (value >= 1) & (value <= 8), value, 1)


def turn_upright(square, orientation):
    """Turns a square image as a viewer shows it.

    Args:
        square: tensor `(size, size, channels)`.
        orientation: int64 tensor, as `read_orientation` gives it.

    Returns:
        tensor `(size, size, channels)`.
    """
    for orientations, turned in (
        (_TRANSPOSED, lambda image: tf.transpose(image, (1, 0, 2))),
        (_LEFT_RIGHT, lambda image: tf.reverse(image, (1,))),
        (_UPSIDE_DOWN, lambda image: tf.reverse(image, (0,))),
    ):
        square = tf.where(_is_in(orientation, orientations), turned(square), square)
    return square


def _exif_of_jpeg(content):
    def is_exif(at):
        return (_numbers(content, at, 2) == _APP1) & (_numbers(content, at + 4, 6) == _JPEG_EXIF)

    def step(at):
        marker = _numbers(content, at + 1, 1)
        length = tf.where(~_is_in(marker, _WITHOUT_LENGTH), _numbers(content, at + 2, 2), 0)
        is_marker = (_numbers(content, at, 1) == _FILL) & (marker != _FILL)
        return at + tf.where(is_marker, 2 + length, 1)

    at = _walk(content, 2, step, lambda at: is_exif(at) | (_numbers(content, at, 2) == _SCAN))
    stop = tf.where(is_exif(at), step(at), 0)
    return content[at + 10 : stop]


def _exif_of_png(content):
    def step(at):
        return at + 12 + _numbers(content, at, 4)

    at = _walk(content, 8, step, lambda at: _numbers(content, at + 4, 4) == _EXIF)
    return content[at + 8 : step(at) - 4]


def _walk(content, first, step, ends):
    """Goes from segment to segment until one ends it: where that is, or beyond the content."""
    return tf.while_loop(
        lambda at: (at < tf.size(content, tf.int64)) & ~ends(at),
        lambda at: (step(at),),
        (tf.constant(first, "int64"),),
        maximum_iterations=_MOST_SEGMENTS,
    )[0]


def _tag(exif, is_big):
    """The orientation in the first directory of a TIFF, or 0."""
    directory = _numbers(exif, 4, 4, is_big)
    count = _numbers(exif, directory, 2, is_big)
    entries = directory + 2 + 12 * tf.range(count)
    is_it = (
        (_numbers(exif, entries, 2, is_big) == _ORIENTATION)
        & (_numbers(exif, entries + 2, 2, is_big) == _SHORT)
        & (_numbers(exif, entries + 4, 4, is_big) == 1)
    )
    values = tf.boolean_mask(_numbers(exif, entries + 8, 2, is_big), is_it)
    return tf.reduce_sum(values[:1])


def _numbers(content, positions, size, is_big=True):
    """The whole numbers of some bytes at positions; bytes beyond the end are 0."""
    places = tf.convert_to_tensor(positions, "int64")[..., None] + tf.range(size, dtype="int64")
    last = tf.size(content, tf.int64) - 1
    digits = tf.cast(tf.gather(content, tf.minimum(places, last)), "int64")
    worth = [256**power for power in range(size)]
    worth = tf.where(is_big, tf.constant(worth[::-1], "int64"), tf.constant(worth, "int64"))
    return tf.reduce_sum(tf.where(places <= last, digits, 0) * worth, axis=-1)


def _is_in(value, values):
    return tf.reduce_any(value == tf.constant(values, "int64"))
