"""The symbolic batch of images every backbone starts from."""

import keras


def image_input(image_size):
    """Makes a backbone's input, in Keras' own data format.

    Args:
        image_size: side of the square image, in pixels.

    Returns:
        A symbolic tensor `(batch, image_size, image_size, 3)`, or with `channels_first`
        `(batch, 3, image_size, image_size)`.
    """
    channels_last = keras.config.image_data_format() == "channels_last"
    shape = (image_size, image_size, 3) if channels_last else (3, image_size, image_size)
    return keras.Input(shape, name="image")
