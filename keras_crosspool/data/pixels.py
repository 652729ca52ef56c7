"""From decoded pixels of any mode to a square of RGB."""

import numpy as np

_AT_ONCE = 16_000_000  # pixels; larger images are converted band by band
_SIXTEEN_BITS_AS_INTEGERS = ("PPM", "PNG")  # formats that Pillow may decode to mode I
_FINER = 4  # how many times finer than the target the averages of a large image are


def square_rgb(image, image_size):
    """Converts an image to RGB and resizes it to a square (bilinear, antialiased).

    Transparent images are laid on white. Of 16-bit grayscale the upper byte is kept. Floating-point
    images run from 0 to 1.

    Converting copies an image, so a large one is converted in bands of rows, each averaged down
    before the next: what is in memory is the decoded image and little more.

    Args:
        image: loaded `PIL.Image.Image`.
        image_size: int, side of the result in pixels.

    Returns:
        `PIL.Image.Image` of mode RGB, `image_size` x `image_size`.

    Raises:
        ValueError: if the pixels are numbers whose black and white nobody says.
    """
    from PIL import Image

    if image.mode == "I" and image.format not in _SIXTEEN_BITS_AS_INTEGERS:
        raise ValueError(
            "its pixels are 32-bit integers, and which of them is white is not said; save it with "
            "8 or 16 bits"
        )
    image = _opaque_if_all_clear(image)
    size, bilinear = (image_size, image_size), Image.Resampling.BILINEAR
    if image.width * image.height <= _AT_ONCE:
        return _rgb(image).resize(size, bilinear)
    x, y = (max(1, side // (_FINER * image_size)) for side in image.size)
    box = (0, 0, image.width / x, image.height / y)
    return _averaged(image, x, y).resize(size, bilinear, box)


def _averaged(image, x, y):
    """RGB means of boxes of `x` times `y` pixels, those at the right and lower edge smaller."""
    from PIL import Image

    averaged = Image.new("RGB", (-(-image.width // x), -(-image.height // y)))
    rows = max(1, _AT_ONCE // 4 // image.width // y)  # of boxes in a band
    for row in range(0, averaged.height, rows):
        band = (0, row * y, image.width, min((row + rows) * y, image.height))
        averaged.paste(_rgb(image.crop(band)).reduce((x, y)), (0, row))
    return averaged


def _rgb(image):
    if image.mode.startswith("I"):
        return _from_array(np.asarray(image) >> 8)  # Pillow would clip at 255
    if image.mode == "F":
        return _from_array(_from_unit_range(np.asarray(image)))
    return _on_white(image).convert("RGB")


def _from_array(values):
    from PIL import Image

    return Image.fromarray(values.astype("uint8")).convert("RGB")


def _from_unit_range(values):
    if not (values.min() >= 0 and values.max() <= 1):  # NaN is neither
        raise ValueError(
            "its pixels are floating-point numbers outside 0 to 1, and which of them is white is "
            "not said; save it with 8 or 16 bits"
        )
    return np.rint(values * 255)


def _on_white(image):
    from PIL import Image

    if not image.has_transparency_data:
        return image
    image = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)


def _opaque_if_all_clear(image):
    """A BMP whose alpha is zero everywhere has no alpha: the fourth byte was left unused."""
    clear = image.format == "BMP" and image.mode == "RGBA" and image.getextrema()[3] == (0, 0)
    return image.convert("RGB") if clear else image
