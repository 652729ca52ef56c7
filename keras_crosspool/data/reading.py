"""Reads the file of an image, and nothing that is not a regular file."""

import os
import stat

from keras_crosspool.data.image_error import ImageError
from keras_crosspool.limits import MAX_MEGAPIXELS
from keras_crosspool.names import readable

_BYTES_PER_PIXEL = 16  # four channels of 32 bits, not compressed
_OTHER_BYTES = 64 * 2**20  # metadata, thumbnails, further frames
_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe (FIFO)",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def read_file(path, max_megapixels=MAX_MEGAPIXELS):
    """Reads a regular file, or what a link to one leads to.

    A pipe would wait for ever, a device give bytes without end: neither is opened.

    Args:
        path: path of the file.
        max_megapixels: float, the size that an image may have; a file that no image of that size
            needs is not read. Defaults to `MAX_MEGAPIXELS`.

    Returns:
        bytes.

    Raises:
        ImageError: if there is no such file, it is not a regular one, it cannot be read, or it is
            larger than an image may be.
    """
    try:
        _check(os.stat(path), path, max_megapixels)
        # What was a file a moment ago may be a pipe now: O_NONBLOCK opens it without waiting.
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            _check(os.fstat(file.fileno()), path, max_megapixels)
            return file.read()
    except FileNotFoundError as error:
        reason = "link to nothing" if os.path.islink(path) else "unreadable"
        raise _unreadable(reason, path, error) from error
    except OSError as error:
        raise _unreadable("unreadable", path, error) from error


def _check(status, path, max_megapixels):
    kind = stat.S_IFMT(status.st_mode)
    if kind != stat.S_IFREG:
        raise ImageError(
            "not a regular file",
            "An image must be a regular file, and nothing else is opened. "
            f"Received: {readable(path)}, which is {_KINDS.get(kind, 'something else')}",
        )
    limit = max_megapixels * 1e6 * _BYTES_PER_PIXEL + _OTHER_BYTES
    if status.st_size > limit:
        raise ImageError(
            "too large",
            f"An image's file has {status.st_size / 1e6:.0f} MB, more than the {limit / 1e6:.0f} "
            f"MB that {max_megapixels:g} megapixels can need; raise `max_megapixels` "
            f"to read it. Received: {readable(path)}",
        )


def _unreadable(reason, path, error):
    return ImageError(
        reason, f"An image cannot be read ({error.strerror}). Received: {readable(path)}"
    )
