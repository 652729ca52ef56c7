"""One way to turn an encoded picture into the pixels that every model and runtime sees."""

import io
import pathlib

import numpy as np


def decode_picture(encoded, image_size, name="picture"):
    """Decodes a picture and resizes it to a square, the evaluation preprocessing.

    The camera's orientation is applied, transparent pictures are laid on white, grayscale (8 or
    16 bit), CMYK and palette pictures become RGB, and the whole picture is resized (bilinear,
    antialiased) without cropping.

    Args:
        encoded: bytes of a JPEG, PNG or any other format that Pillow reads.
        image_size: int, side of the result in pixels.
        name: str, how an error calls the picture. Defaults to `"picture"`.

    Returns:
        uint8 array `(image_size, image_size, 3)`, RGB.

    Raises:
        ValueError: if the bytes are no whole picture.

    Example:

    >>> from PIL import Image
    >>> file = io.BytesIO()
    >>> Image.new("L", (40, 30), 255).save(file, "png")
    >>> decode_picture(file.getvalue(), 16).shape
    (16, 16, 3)
    """
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        picture = Image.open(io.BytesIO(encoded))
        # Decoding a large JPEG at the nearest smaller scale above the target is far cheaper.
        picture.draft("RGB", (image_size, image_size))
        picture = _on_white(_eight_bit(ImageOps.exif_transpose(picture))).convert("RGB")
    except (
        UnidentifiedImageError,
        OSError,
        SyntaxError,  # what Pillow raises for a broken PNG
        Image.DecompressionBombError,
    ) as error:
        reason = "unknown format" if isinstance(error, UnidentifiedImageError) else error
        raise ValueError(
            f"A picture cannot be decoded ({reason}); expected a whole JPEG, PNG or similar file. "
            f"Received: {name}"
        ) from error
    return np.asarray(picture.resize((image_size, image_size), Image.Resampling.BILINEAR))


def read_picture(path, image_size):
    """Reads a picture file as `decode_picture` does.

    Args:
        path: path of the file.
        image_size: int, side of the result in pixels.

    Returns:
        uint8 array `(image_size, image_size, 3)`, RGB.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is no whole picture.
    """
    path = pathlib.Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"There is no such picture; give a file. Received: {path}")
    return decode_picture(path.read_bytes(), image_size, name=str(path))


def _eight_bit(picture):
    """Keeps the upper byte of 16-bit grayscale, which Pillow would clip at 255 instead."""
    from PIL import Image

    if not picture.mode.startswith("I;16"):
        return picture
    return Image.fromarray((np.asarray(picture) >> 8).astype("uint8"))


def _on_white(picture):
    from PIL import Image

    if not picture.has_transparency_data:
        return picture
    picture = picture.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)
