"""The words of version 0.1 on the command line: taken with a warning, for one version more."""

import re

from absl import logging

_NAMES = {
    "parity_pictures": "parity_images",
    "calibration_pictures": "calibration_images",
}
_VALUES = {
    "scheme=coarse": "scheme=scheme1",
    "scheme=fine": "scheme=scheme1_2x",
    "scheme=coarse+fine": "scheme=scheme1+scheme1_2x",
}
_FLAG = re.compile(r"--?([a-z_]+)(=.*)?", re.DOTALL)


def renamed(argument):
    """An argument of the command line as this version calls it.

    Args:
        argument: str.

    Example:

    >>> renamed("--parity_pictures=8"), renamed("--scheme=both"), renamed("photo.jpg")
    ('--parity_images=8', '--scheme=both', 'photo.jpg')
    """
    flag = _FLAG.fullmatch(argument)
    if not flag:
        return argument
    name, value = flag[1], flag[2] or ""
    current = _VALUES.get(name + value, _NAMES.get(name, name) + value)
    if current != name + value:
        logging.warning("--%s is now --%s; the old word goes with the next version", name, current)
    return f"--{current}" if current != name + value else argument
