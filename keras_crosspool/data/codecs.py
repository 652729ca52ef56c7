"""The image formats that are read, the suffixes of their files, and opening up to the header."""

import functools
import importlib.util
import io
import pathlib
import struct

# Formats that tell themselves apart by their first bytes and decode without another program. Not
# EPS and PDF (Ghostscript), not WMF (the screen of Windows), not TGA (any bytes may be one).
_FORMATS = ("JPEG", "PNG", "WEBP", "AVIF", "GIF", "BMP", "TIFF", "JPEG2000", "PPM", "HEIF")
_HEIC_SUFFIXES = frozenset((".heic", ".heics", ".heif", ".heifs", ".hif"))
_PREFIX = 16  # bytes by which a format is told


@functools.cache
def decoding_errors():
    """All that Pillow's plugins raise on damaged bytes: a tuple of exceptions.

    Found by damaging files of every format: most plugins raise `OSError` or `SyntaxError`, and what
    Python raises where a plugin takes a damaged number at its word.
    """
    from PIL import Image

    return (
        OSError,
        EOFError,
        SyntaxError,
        ValueError,
        TypeError,
        AttributeError,
        LookupError,
        ArithmeticError,
        RuntimeError,
        struct.error,
        Image.DecompressionBombError,
    )


@functools.cache
def suffixes():
    """The suffixes of the formats that are read, in lower case: a frozenset of str."""
    from PIL import Image

    names = {*_plugins(), "MPO"}  # an MPO file begins with a whole JPEG
    registered = Image.registered_extensions().items()
    return frozenset(suffix for suffix, name in registered if name in names)


def looks_like_image(name):
    """Whether a file's name is that of an image that is read, or would be with a package more."""
    suffix = pathlib.PurePath(name).suffix.lower()
    return suffix in suffixes() or suffix in _HEIC_SUFFIXES


def why_not_read(suffix):
    """Says in a few words why files of a suffix are not read, for suffixes not in `suffixes()`."""
    if suffix in _HEIC_SUFFIXES:
        return f"{suffix} (read once pillow-heif is installed)"
    return suffix or "without a suffix"


def open_encoded(encoded):
    """Opens an encoded image as Pillow does, up to its header; the pixels are not decoded yet.

    `PIL.Image.open` would warn and refuse by a limit of the whole process.

    Args:
        encoded: bytes.

    Returns:
        `PIL.ImageFile.ImageFile`; of an animation or a file of many pages the first frame.

    Raises:
        PIL.UnidentifiedImageError: if no format has such first bytes.
        Exception: any of `decoding_errors()` if the header is damaged.
    """
    from PIL import UnidentifiedImageError

    for factory, accepts in _plugins().values():
        if accepts(encoded[:_PREFIX]) is True:  # a str says that a library is missing
            return factory(io.BytesIO(encoded), "")
    raise UnidentifiedImageError("unknown format")


@functools.cache
def _plugins():
    from PIL import Image, JpegImagePlugin

    if importlib.util.find_spec("pillow_heif"):
        import pillow_heif

        pillow_heif.register_heif_opener()
    Image.init()
    found = {name: Image.OPEN[name] for name in _FORMATS if name in Image.OPEN}
    # The factory of JPEG would look for a second image behind the first.
    return found | {"JPEG": (JpegImagePlugin.JpegImageFile, found["JPEG"][1])}
