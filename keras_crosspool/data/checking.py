"""Every image of a split is decoded once before use: what is broken is known at the start."""

import collections
import dataclasses
import hashlib
import itertools

from absl import logging

from keras_crosspool.data.image_error import ImageError
from keras_crosspool.data.images import decode_image
from keras_crosspool.data.parallel import ordered_map
from keras_crosspool.data.reading import MAX_MEGAPIXELS
from keras_crosspool.progress import track

_CHECK_SIZE = 32  # pixels: a small target lets JPEG decode cheaply, and reads the whole file
_SHOWN = 20  # names in a message, at most


@dataclasses.dataclass(frozen=True)
class CheckedImage:
    """What is known of an image once it was decoded.

    Attributes:
        name: str.
        sha256: str, digest of its encoded bytes; empty if it cannot be used.
        reason: str, the kind of fault for which it cannot be used; empty for a whole image.
        message: str, the fault in words.
    """

    name: str
    sha256: str = ""
    reason: str = ""
    message: str = ""


def check_images(items, count, read, skip_broken=False, max_megapixels=MAX_MEGAPIXELS):
    """Decodes every image, small, and takes its digest.

    Args:
        items: iterable of pairs: what an image is called, a str, and what `read` takes.
        count: int, the number of them.
        read: function that gives an image's encoded bytes; it raises `ImageError` for one that
            cannot be used.
        skip_broken: bool, whether images that cannot be used are logged and left out instead of
            stopping. Defaults to `False`.
        max_megapixels: float, the largest image. Defaults to `MAX_MEGAPIXELS`.

    Returns:
        List of `CheckedImage`.

    Raises:
        ValueError: if images cannot be used and that is not allowed, or none can be.
    """

    def check(pair):
        name, item = pair
        try:
            encoded = read(item)
            decode_image(encoded, _CHECK_SIZE, name, max_megapixels)
        except ImageError as error:
            return CheckedImage(name, reason=error.reason, message=str(error))
        return CheckedImage(name, hashlib.sha256(encoded).hexdigest())

    checked = list(track(ordered_map(check, items), "checking images", count))
    _report([image for image in checked if image.reason], len(checked), skip_broken)
    return checked


def fingerprint(lines):
    """The sha256 of lines of text, which say of each image where it belongs and what it holds."""
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _report(broken, count, skip_broken):
    if not broken:
        return
    if not skip_broken:
        raise ValueError(
            f"{len(broken)} of {count} images cannot be used: replace or remove them, or "
            f"leave them out with `skip_broken`. Received: {_by_reason(broken)}"
        )
    for image in broken:
        logging.warning("left out: %s", image.message)
    if len(broken) == count:
        raise ValueError(f"None of the {count} images can be used. Received: {_by_reason(broken)}")


def _by_reason(broken):
    names = collections.defaultdict(list)
    for image in itertools.islice(broken, _SHOWN):
        names[image.reason].append(image.name)
    shown = "; ".join(f"{reason}: {', '.join(names[reason])}" for reason in names)
    return shown + (f"; and {len(broken) - _SHOWN} more" if len(broken) > _SHOWN else "")
