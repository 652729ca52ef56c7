"""Every picture of a split is decoded once before use: what is broken is known at the start."""

import hashlib

from absl import logging

from keras_crosspool.data.pictures import decode_picture
from keras_crosspool.progress import track

_CHECK_SIZE = 32  # pixels: a small target lets JPEG decode cheaply, and reads the whole file


def check_pictures(encoded, size, skip_broken=False):
    """Decodes every picture, small, and takes its digest.

    Args:
        encoded: `tf.data.Dataset` of `(bytes, label, picture name)`.
        size: int, number of pictures.
        skip_broken: bool, whether broken pictures are logged and left out instead of stopping.
            Defaults to `False`.

    Returns:
        List of `(name, label, sha256)` of all pictures, with their labels as they came, and the
        list of the broken ones' names.

    Raises:
        ValueError: if pictures cannot be decoded and that is not allowed, or none can be.
        OSError: if a file cannot be read.
    """
    import tensorflow as tf

    def check(data, label, name):
        digest, reason = tf.numpy_function(
            _digest_and_reason, (data, name), (tf.string, tf.string), stateful=False
        )
        return name, label, digest, reason

    rows, broken = [], {}
    checked = encoded.map(check, tf.data.AUTOTUNE).as_numpy_iterator()
    try:
        for name, label, digest, reason in track(checked, "checking pictures", size):
            rows.append((name.decode(), label, digest.decode()))
            if reason:
                broken[name.decode()] = reason.decode()
    except tf.errors.OpError as error:
        reason = error.message.partition("[[")[0].strip()
        raise OSError(f"A picture cannot be read. Received: {reason}") from error
    _report(broken, size, skip_broken)
    return rows, list(broken)


def fingerprint(lines):
    """The sha256 of lines of text, which say of each picture where it belongs and what it holds."""
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _digest_and_reason(data, name):
    digest = hashlib.sha256(data).hexdigest()
    try:
        decode_picture(data, _CHECK_SIZE, name=name.decode())
    except ValueError as error:
        return digest.encode(), str(error).encode()
    return digest.encode(), b""


def _report(broken, count, skip_broken):
    if not broken:
        return
    if not skip_broken:
        raise ValueError(
            f"{len(broken)} of {count} pictures cannot be decoded: replace or remove them, or "
            f"leave them out with --skip_broken. Received: {', '.join(broken)}"
        )
    for reason in broken.values():
        logging.warning("left out: %s", reason)
    if len(broken) == count:
        raise ValueError(f"All {count} pictures cannot be decoded. Received: {next(iter(broken))}")
