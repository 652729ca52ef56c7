"""Augmentation of training pictures: mirror, crop and colour."""

import keras


def augmentation(seed=0):
    """Random mirror image, zoom in by up to 30 %, shift by up to 10 % and colour jitter.

    Args:
        seed: int. Defaults to `0`.

    Input shape:
        `(batch, height, width, 3)`, RGB, 0-255.

    Output shape:
        The input's, float32, 0-255.

    Returns:
        A `keras.layers.Pipeline`.
    """
    return keras.layers.Pipeline(
        [
            keras.layers.RandomFlip("horizontal", seed=seed),
            keras.layers.RandomZoom((-0.3, 0.0), fill_mode="reflect", seed=seed + 1),
            keras.layers.RandomTranslation(0.1, 0.1, fill_mode="reflect", seed=seed + 2),
            keras.layers.RandomBrightness(0.15, value_range=(0, 255), seed=seed + 3),
            keras.layers.RandomContrast(0.15, value_range=(0, 255), seed=seed + 4),
        ],
        name="augmentation",
    )
