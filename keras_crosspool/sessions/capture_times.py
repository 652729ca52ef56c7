"""Sessions from when and with which camera photographs were taken (EXIF)."""

import datetime

import numpy as np

from keras_crosspool.data.codecs import decoding_errors, open_encoded

_PAUSE = 600.0  # seconds between two sessions of a camera
_MOST_WITHOUT = 0.1  # share of images that may lack a time
_EXIF, _TAKEN, _MAKE, _MODEL = 0x8769, 0x9003, 0x010F, 0x0110


def sessions_by_time(split):
    """The session of each image: photographs of one camera without a pause of ten minutes.

    Images without a time, such as those that a program saved, are a session each.

    Args:
        split: `Split`.

    Returns:
        int `(n,)`, or `None` where more than a tenth of the images say no time.

    Reference:
        Exif 2.3, `DateTimeOriginal`, `Make` and `Model`.
    """
    taken = [_taken(encoded) for encoded in split.encoded(range(split.size))]
    if sum(shot is None for shot in taken) > _MOST_WITHOUT * len(taken):
        return None
    sessions, number, before = np.empty(len(taken), int), -1, None
    for index in sorted(range(len(taken)), key=lambda index: _order(taken[index])):
        shot = taken[index]
        if shot is None or before is None or _apart(before, shot):
            number += 1
        sessions[index], before = number, shot
    return sessions


def _taken(encoded):
    """The camera and the second at which an image was taken, or `None`."""
    try:
        exif = open_encoded(encoded).getexif()
        text = exif.get_ifd(_EXIF).get(_TAKEN)
        time = datetime.datetime.strptime(str(text).strip("\0 "), "%Y:%m:%d %H:%M:%S")
    except decoding_errors():  # a time that is none is a ValueError too
        return None
    camera = f"{exif.get(_MAKE, '')} {exif.get(_MODEL, '')}"
    return camera, time.replace(tzinfo=datetime.UTC).timestamp()


def _order(shot):
    return ("", -1.0) if shot is None else shot


def _apart(before, shot):
    return before[0] != shot[0] or shot[1] - before[1] > _PAUSE
