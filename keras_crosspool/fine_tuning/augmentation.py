"""Augmentation of training images: crop, mirror and colour, drawn from a seed for each."""

_AREA = (0.5, 1.0)  # of the image that a crop keeps
_ASPECT = (0.8, 1.25)
_BRIGHTNESS, _CONTRAST = 0.15, 0.15


def augment(image, seed):
    """A random crop, resized to the image's size, with mirror image and colour jitter.

    What is drawn depends on the seed alone: not on the device, the batch or what came before, so
    that training can be divided among devices and taken up again at any step.

    Args:
        image: uint8 tensor `(height, width, 3)`, RGB.
        seed: int tensor `(2,)`.

    Returns:
        float32 tensor `(height, width, 3)`, 0-255.

    Example:

    >>> image = np.full((8, 8, 3), 100, "uint8")
    >>> augment(image, (1, 2)).shape
    TensorShape([8, 8, 3])
    """
    import tensorflow as tf

    seeds = tf.unstack(tf.random.experimental.stateless_split(tf.cast(seed, tf.int64), 4))
    size = image.shape[:2]
    begin, extent, _ = tf.image.stateless_sample_distorted_bounding_box(
        image.shape,
        tf.zeros((1, 0, 4)),
        seeds[0],
        aspect_ratio_range=_ASPECT,
        area_range=_AREA,
        use_image_if_no_bounding_boxes=True,
    )
    image = tf.ensure_shape(tf.image.resize(tf.slice(image, begin, extent), size), (*size, 3))
    image = tf.image.stateless_random_flip_left_right(image, seeds[1])
    image = tf.image.stateless_random_brightness(image, 255 * _BRIGHTNESS, seeds[2])
    image = tf.image.stateless_random_contrast(image, 1 - _CONTRAST, 1 + _CONTRAST, seeds[3])
    return tf.clip_by_value(image, 0.0, 255.0)
