"""Folders written whole or not at all: under another name first, then renamed."""

import contextlib
import os
import pathlib

from keras_crosspool.files import make_directory, naming, to_disk
from keras_crosspool.partials import partial_path, remove_abandoned, remove_path


@contextlib.contextmanager
def atomic_folder(target):
    """Gives a temporary path and puts the folder that was made there in the place of `target`.

    On an exception what was written is removed and `target` stays as it was. What a process that
    was killed left of the same target is removed.

    Args:
        target: path of a folder, which may be there and is then replaced with all that is in it;
            its parent is created.

    Yields:
        `pathlib.Path` that does not exist yet, with the suffix of the target.

    Raises:
        OSError: if the target cannot be written there; it names the target.
    """
    given, target = target, pathlib.Path(os.path.realpath(target))
    make_directory(target.parent)
    remove_abandoned(target)
    new, old = partial_path(target), partial_path(target)
    try:
        with naming(given, new):
            yield new
            to_disk(new)
            _replace_folder(new, target, old)
    finally:
        remove_path(new)
        remove_path(old)


def _replace_folder(new, target, old):
    """Renames a folder to another one, which is moved aside and comes back if that fails."""
    if not target.exists():
        new.rename(target)
        return
    try:
        target.rename(old)
        new.rename(target)
    except BaseException:
        if old.exists() and not target.exists():
            old.rename(target)
        raise
