"""Files and directories written whole or not at all."""

import contextlib
import os
import pathlib
import secrets
import shutil


@contextlib.contextmanager
def atomic_path(target):
    """Gives a temporary path beside `target` and renames it to `target` on success.

    On an exception the temporary file or directory is removed and `target` stays as it was.

    Args:
        target: path of the file or directory to write; its parent is created.

    Yields:
        `pathlib.Path` that does not exist yet, on the target's own file system.

    Raises:
        OSError: if the target cannot be written there, or a file was written where a directory
            stands.

    Example:

    >>> with atomic_path("answer.txt") as path:
    ...     _ = path.write_text("42")
    >>> pathlib.Path("answer.txt").read_text()
    '42'
    """
    target = pathlib.Path(target).resolve()  # a link's target is written, the link stays
    target.parent.mkdir(parents=True, exist_ok=True)
    # The suffix is kept, since writers such as Keras choose the format by it.
    token = secrets.token_hex(8)  # process numbers repeat on machines that share the file system
    temporary = target.with_name(f".{target.stem}.{token}.partial{target.suffix}")
    try:
        yield temporary
        _replace(temporary, target)
    finally:
        _remove(temporary)


def _replace(temporary, target):
    if target.is_dir() and not temporary.is_dir():
        raise IsADirectoryError(f"Expected the name of a file, not a directory. Received: {target}")
    if not target.is_dir():
        os.replace(temporary, target)
        return
    # A directory cannot be replaced in one call: the old one steps aside, and is put back if
    # the new one cannot take its place.
    aside = target.with_name(f".{target.name}.{secrets.token_hex(8)}.old")
    os.replace(target, aside)
    try:
        os.replace(temporary, target)
    except OSError:
        os.replace(aside, target)
        raise
    _remove(aside)


def _remove(path):
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
