"""One way to turn an encoded image into the pixels that every model and runtime sees."""

import contextlib
import functools
import os
import threading

import numpy as np
from absl import logging

from keras_crosspool.data.codecs import decoding_errors, open_encoded
from keras_crosspool.data.essentials import without_metadata
from keras_crosspool.data.image_error import ImageError
from keras_crosspool.data.pixels import square_rgb
from keras_crosspool.data.reading import MAX_MEGAPIXELS, read_file
from keras_crosspool.names import readable

_LARGE = 32_000_000  # pixels; threads decode such images one after the other
_one_large_image = threading.Lock()


def decode_image(encoded, image_size, name="image", max_megapixels=MAX_MEGAPIXELS):
    """Decodes an image and resizes it to a square, the evaluation preprocessing.

    The orientation in the Exif block is applied, and no other, as browsers do. Transparent
    images are laid on white, grayscale (8 or 16 bit), CMYK and palette images become RGB, and the
    whole image is resized (bilinear, antialiased) without cropping. Of an animation or a file of
    several pages the first one counts. Damaged metadata is passed over: at most the orientation is
    lost.

    Args:
        encoded: bytes of a JPEG, PNG, WebP, AVIF, GIF, BMP, TIFF, JPEG 2000 or PPM file, and of
            HEIC where `pillow_heif` is installed. HEIC and TIFF are turned as they are decoded.
        image_size: int, side of the result in pixels.
        name: str, how an error calls the image. Defaults to `"image"`.
        max_megapixels: float, the largest image that is decoded, in millions of pixels by its
            header. Defaults to `MAX_MEGAPIXELS`.

    Returns:
        uint8 array `(image_size, image_size, 3)`, RGB.

    Raises:
        ImageError: a `ValueError`, if the bytes are no whole image, or a larger one.

    Example:

    >>> import io
    >>> from PIL import Image
    >>> file = io.BytesIO()
    >>> Image.new("L", (40, 30), 255).save(file, "png")
    >>> decode_image(file.getvalue(), 16).shape
    (16, 16, 3)
    """
    try:
        return _decode(encoded, image_size, name, max_megapixels)
    except ImageError:
        raise
    except decoding_errors() as error:
        image = _decode_pixels_alone(encoded, image_size, name, max_megapixels)
        if image is None:
            reason = " ".join(str(error).split())  # that of HEIC ends in a line break
            raise ImageError(
                "broken",
                f"An image cannot be decoded ({reason}); expected a whole JPEG, PNG or similar "
                f"file. Received: {name}",
            ) from error
        _warn_once("damaged metadata is ignored", str(error), name)
        return image


def read_image(path, image_size, max_megapixels=MAX_MEGAPIXELS):
    """Reads an image file as `decode_image` does.

    Args:
        path: path of the file.
        image_size: int, side of the result in pixels.
        max_megapixels: float. Defaults to `MAX_MEGAPIXELS`.

    Returns:
        uint8 array `(image_size, image_size, 3)`, RGB.

    Raises:
        FileNotFoundError: if there is no such file.
        ImageError: if it is no regular file, cannot be read or is no whole image.
    """
    if not os.path.lexists(path):
        raise FileNotFoundError(f"There is no such image; give a file. Received: {readable(path)}")
    encoded = read_file(path, max_megapixels)
    return decode_image(encoded, image_size, readable(path), max_megapixels)


def read_images(paths, image_size, skip_broken=False, max_megapixels=MAX_MEGAPIXELS):
    """Reads several image files.

    Args:
        paths: list of paths.
        image_size: int, side of the results in pixels.
        skip_broken: bool, whether images that cannot be used are logged and left out instead of
            stopping. Defaults to `False`.
        max_megapixels: float. Defaults to `MAX_MEGAPIXELS`.

    Returns:
        List of pairs: a path, and its uint8 array `(image_size, image_size, 3)`.

    Raises:
        FileNotFoundError: if there is no such file.
        ImageError: if an image cannot be used and that is not allowed, or none can be used.
    """
    images, last = [], None
    for path in paths:
        try:
            images.append((path, read_image(path, image_size, max_megapixels)))
        except ImageError as error:
            if not skip_broken:
                raise
            last = error
            logging.warning("left out: %s", error)
    if last is not None and not images:
        raise last
    return images


def _decode(encoded, image_size, name, max_megapixels):
    from PIL import Image

    image = open_encoded(encoded)
    megapixels = image.width * image.height / 1e6
    if megapixels > max_megapixels:
        raise ImageError(
            "too large",
            f"An image has {image.width} x {image.height} pixels, {megapixels:.1f} megapixels of "
            f"at most {max_megapixels:g}: make it smaller, or raise `max_megapixels`. "
            f"Received: {name}",
        )
    # Decoding a large JPEG at the nearest smaller scale above the target is far cheaper.
    image.draft("RGB", (image_size, image_size))
    _forget_other_orientations(image)  # a TIFF is turned as it is loaded
    large = image.width * image.height > _LARGE
    with _one_large_image if large else contextlib.nullcontext():
        image.load()
        square = square_rgb(image, image_size)
    turn = _TURNS.get(_orientation(image, name))
    if turn:
        square = square.transpose(Image.Transpose[turn])
    return np.asarray(square)


def _decode_pixels_alone(encoded, image_size, name, max_megapixels):
    """The image without its metadata, or `None` if it is not they that are damaged."""
    pixels = without_metadata(encoded)
    if pixels == encoded:
        return None
    try:
        return _decode(pixels, image_size, name, max_megapixels)
    except ImageError:
        raise
    except decoding_errors():
        return None


# How an image is turned upright by its orientation (Exif 2.3, table of tag 274).
_TURNS = {
    2: "FLIP_LEFT_RIGHT",
    3: "ROTATE_180",
    4: "FLIP_TOP_BOTTOM",
    5: "TRANSPOSE",
    6: "ROTATE_270",
    7: "TRANSVERSE",
    8: "ROTATE_90",
}


def _orientation(image, name):
    """The orientation that a loaded image's Exif says; 1, upright, if its metadata is damaged."""
    _forget_other_orientations(image)  # a PNG may have texts behind its pixels
    try:
        return image.getexif().get(274, 1)
    except decoding_errors() as error:
        _warn_once("damaged metadata hides the orientation", str(error), name)
        return 1


def _forget_other_orientations(image):
    """Removes XMP and ImageMagick's texts: Pillow looks there too, browsers and others do not."""
    for key in ("xmp", "XML:com.adobe.xmp", "Raw profile type exif"):
        image.info.pop(key, None)


@functools.lru_cache(maxsize=4096)
def _warn_once(what, error, name):
    """Warns of an image's metadata at its first decoding, not at each."""
    logging.warning("%s (%s): %s", what, error, name)
