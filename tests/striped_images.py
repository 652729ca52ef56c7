"""Images of three classes that a network of random filters can tell apart."""

import numpy as np


def striped_images(count, side):
    """Stripes of three directions, in noise.

    Args:
        count: int, images.
        side: int, in pixels.

    Returns:
        uint8 `(count, side, side, 3)` and int `(count,)`, the classes in turn.
    """
    rng = np.random.default_rng(0)
    labels = np.arange(count) % 3
    rows, columns = np.mgrid[:side, :side]
    waves = np.stack([rows, columns, rows + columns])[labels]
    waves = waves + rng.integers(0, side, (count, 1, 1))
    shown = 127 + 60 * np.sin(0.9 * waves)[..., None]
    shown = shown + 60 * rng.normal(size=(count, side, side, 3))
    return shown.clip(0, 255).astype("uint8"), labels
