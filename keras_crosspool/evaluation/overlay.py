"""A heat map laid over its photograph, as pixels."""

import numpy as np

_FOR, _AGAINST = (232, 89, 12), (28, 126, 214)
_STRONGEST = 0.75  # so that the photograph shows through


def overlay(image, values, limit, side):
    """Lays a heat map over a photograph in gray: orange speaks for a class, blue against it.

    Args:
        image: uint8 `(height, width, 3)`, RGB.
        values: float `(rows, columns)`, over the whole image, from `heat_map`.
        limit: float, the value of the strongest colour.
        side: int, side of the result in pixels.

    Returns:
        uint8 `(side, side, 3)`.

    Example:

    >>> overlay(np.full((4, 4, 3), 255, "uint8"), np.array([[1.0]]), 1.0, 1).tolist()
    [[[238, 130, 73]]]
    """
    from PIL import Image

    gray = resized(image, side).mean(axis=2, keepdims=True)
    heat = Image.fromarray(values.astype("float32")).resize((side, side), Image.Resampling.BILINEAR)
    heat = np.asarray(heat)[..., None] / (limit or 1)
    colours = np.where(heat > 0, _FOR, _AGAINST)
    strength = _STRONGEST * np.minimum(np.abs(heat), 1)
    return np.rint((1 - strength) * gray + strength * colours).astype("uint8")


def resized(image, side):
    """A square image of another size, bilinear and antialiased.

    Args:
        image: uint8 `(height, width, 3)`, RGB.
        side: int, of the result in pixels.

    Returns:
        uint8 `(side, side, 3)`.
    """
    from PIL import Image

    return np.asarray(Image.fromarray(image).resize((side, side), Image.Resampling.BILINEAR))
