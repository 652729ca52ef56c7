"""Augmentation of training images: crop, mirror and colour, drawn from a seed for each."""

_AREA = (0.3, 1.0)  # of the image that a crop keeps
_ASPECT = (3 / 4, 4 / 3)
_BRIGHTNESS = 40.0  # of 255, more or less
_CONTRAST = _SATURATION = (0.7, 1.3)
_LUMA = (0.299, 0.587, 0.114)


def augment(image, seed, size):
    """A random crop, resized, with mirror image and colour jitter.

    What is drawn depends on the seed alone: not on the device, the batch or what came before, so
    that training can be divided among devices and taken up again at any step.

    Args:
        image: uint8 tensor `(height, width, 3)`, RGB.
        seed: int tensor `(2,)`.
        size: int, side of the result in pixels.

    Returns:
        float32 tensor `(size, size, 3)`, 0-255.

    Example:

    >>> image = np.full((8, 8, 3), 100, "uint8")
    >>> augment(image, (1, 2), size=6).shape
    TensorShape([6, 6, 3])
    """
    import tensorflow as tf

    seeds = tf.unstack(tf.random.experimental.stateless_split(tf.cast(seed, tf.int64), 5))
    begin, extent, _ = tf.image.stateless_sample_distorted_bounding_box(
        image.shape,
        tf.zeros((1, 0, 4)),
        seeds[0],
        aspect_ratio_range=_ASPECT,
        area_range=_AREA,
        use_image_if_no_bounding_boxes=True,
    )
    image = tf.image.resize(tf.slice(image, begin, extent), (size, size))
    image = tf.ensure_shape(image, (size, size, 3))
    image = tf.image.stateless_random_flip_left_right(image, seeds[1])
    image = tf.image.stateless_random_brightness(image, _BRIGHTNESS, seeds[2])
    image = tf.image.stateless_random_contrast(image, *_CONTRAST, seeds[3])
    saturation = tf.random.stateless_uniform((), seeds[4], *_SATURATION)
    gray = tf.tensordot(image, tf.constant(_LUMA), 1)[:, :, tf.newaxis]
    return tf.clip_by_value(gray + saturation * (image - gray), 0.0, 255.0)
