"""One pass over the images: what they look like, small, and whether they can be of use at all."""

import dataclasses
import hashlib

import numpy as np

from keras_crosspool.audit.finding import Finding
from keras_crosspool.data.codecs import decoding_errors, open_encoded
from keras_crosspool.data.images import decode_image
from keras_crosspool.data.parallel import ordered_map
from keras_crosspool.numerics.blur import blur
from keras_crosspool.progress import track

_SIDE = 224  # pixels, about what networks see: what is sharp there is sharp enough
_LUMA = np.array([0.299, 0.587, 0.114], "float32")  # ITU-R BT.601
_LEAST_SIDE = 64  # pixels; less is enlarged more than threefold
_LEAST_WHITE = 0.32  # the brightness that a hundredth of the pixels must pass, of 1
_WHITE = 99  # per cent
# At 224 px no photograph of two sets was above 0.69; blurred by 2 pixels half were above 0.80.
_MOST_BLUR = 0.72


@dataclasses.dataclass(frozen=True)
class Looks:
    """What one pass over `n` images tells.

    Attributes:
        grays: uint8 `(n, 56, 56)`.
        sides: int `(n,)`, the shorter side of each file in pixels.
        whites: float `(n,)`, the brightness of the brightest hundredth, 0-1.
        blurs: float `(n,)`, from 0, sharp, to 1.
        digests: tuple of str, sha256 of each file.
    """

    grays: np.ndarray
    sides: np.ndarray
    whites: np.ndarray
    blurs: np.ndarray
    digests: tuple[str, ...]


def look_at(images):
    """Reads every image once.

    Args:
        images: `Split`.

    Returns:
        `Looks`.
    """

    def look(index):
        encoded, name = images.read(index), images.names[index]
        pixels = decode_image(encoded, _SIDE, name, images.max_megapixels)
        gray = pixels @ _LUMA
        half = _halved(gray)
        white = float(np.percentile(half, _WHITE)) / 255
        digest = hashlib.sha256(encoded).hexdigest()
        return (
            np.rint(_halved(half)).astype("uint8"),
            _shorter_side(encoded),
            white,
            blur(gray),
            digest,
        )

    seen = track(ordered_map(look, range(images.size)), "looking at images", images.size)
    grays, sides, whites, blurs, digests = zip(*seen, strict=True)
    return Looks(np.stack(grays), np.array(sides), np.array(whites), np.array(blurs), digests)


def find_useless(looks, files):
    """The images that are tiny, dark or blurred.

    Args:
        looks: `Looks`.
        files: sequence of str.

    Yields:
        `Finding`; a tiny or dark image is not called blurred too.
    """
    for index, file in enumerate(files):
        side, white, left = looks.sides[index], looks.whites[index], looks.blurs[index]
        if side < _LEAST_SIDE:
            advice = f"Take a larger one: its shorter side has {side} pixels."
            yield Finding("tiny", file, side / _LEAST_SIDE, "", advice)
        elif white < _LEAST_WHITE:
            advice = "Take it again with more light, or remove it."
            yield Finding("dark", file, float(white), "", advice)
        elif left > _MOST_BLUR:
            advice = "Take it again in focus or larger, or remove it."
            yield Finding("blurred", file, float(1 - left), "", advice)


def _halved(gray):
    """The means of two times two pixels, sides of even length."""
    rows = gray[::2] + gray[1::2]
    return (rows[:, ::2] + rows[:, 1::2]) / 4


def _shorter_side(encoded):
    try:
        return min(open_encoded(encoded).size)
    except decoding_errors():  # of damaged metadata; the pixels could be decoded
        return _SIDE
