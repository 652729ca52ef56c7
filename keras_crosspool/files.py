"""Files and directories written whole or not at all: under another name first, then renamed."""

import contextlib
import errno
import os
import pathlib
import shutil
import stat
import sys
import tempfile

from keras_crosspool.partials import partial_path, remove_abandoned, remove_path

# What writing says without a path: no room, a limit of the user or of the file, a broken disk.
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_WRITING_ERRORS = (*_NO_ROOM, errno.EIO)


@contextlib.contextmanager
def atomic_path(target):
    """Gives a temporary path and puts what was written there in the place of `target` on success.

    On an exception what was written is removed and `target` stays as it was. What may stand there:

    - nothing, or a regular file: the temporary path is beside it and is renamed to it, once all is
      on the disk. A file keeps its permissions, and its owner where the system allows it; one
      that nobody may write is refused;
    - a link: the link stays, and what holds of the above is done where it leads;
    - a pipe, a terminal, another character device, or a file that is this process' own output: it
      is never replaced; the content is written to it;
    - a directory, a disk, a socket: refused.

    What a process that was killed left of the same target is removed.

    Args:
        target: path of the file, or of a directory that is not there; its parent is created.

    Yields:
        `pathlib.Path` that does not exist yet, with the suffix of the target.

    Raises:
        OSError: if the target cannot be written there; it names the target.

    Example:

    >>> with atomic_path("answer.txt") as path:
    ...     _ = path.write_text("42")
    >>> pathlib.Path("answer.txt").read_text()
    '42'
    """
    target = pathlib.Path(target)
    write = _into_stream if _is_stream(target) else _renamed
    with write(target) as path:
        yield path


def make_directory(path):
    """Creates a directory with its parents, unless it is there.

    Where the path is a link that leads nowhere, the directory is made there, without parents:
    those may be a disk that is not mounted.

    Raises:
        OSError: if it cannot be made.
    """
    path = pathlib.Path(path)
    if path.is_symlink() and not path.exists():
        pathlib.Path(os.path.realpath(path)).mkdir()
    else:
        path.mkdir(parents=True, exist_ok=True)


def replace_file(source, target):
    """Renames a file to another one, which is replaced; its owner and permissions stay.

    Raises:
        OSError: if that is not possible; a file that nobody may write is left as it is.
    """
    check_writable(target)
    if target.is_file():
        status = target.stat()
        # Only root gives files away, and not every file system knows owners.
        for owner, group in ((status.st_uid, -1), (-1, status.st_gid)):
            with contextlib.suppress(OSError):
                os.chown(source, owner, group)
        source.chmod(stat.S_IMODE(status.st_mode))
    os.replace(source, target)


def check_writable(path):
    """Refuses a file that is there and may not be written, or that is none.

    Raises:
        PermissionError: if it may not be written; nor by root, if it may by nobody.
        IsADirectoryError: if it is a directory.
    """
    if path.is_dir():
        raise IsADirectoryError(f"Expected the name of a file, not a directory. Received: {path}")
    if path.exists() and not (os.access(path, os.W_OK) and path.stat().st_mode & 0o222):
        raise PermissionError(
            f"The file may not be written: allow it (chmod u+w) or name another. Received: {path}"
        )


def check_not_an_input(output, inputs, folders=()):
    """Refuses to write where something lies that is read.

    Args:
        output: path of a file to write, or `None`.
        inputs: paths of the files that are read.
        folders: paths of folders that are read, whose files are all refused. Defaults to none.

    Raises:
        ValueError: if the output is one of them.
    """
    if output is None or not os.path.exists(output):
        return
    inside = [
        folder
        for folder in folders
        if pathlib.Path(output).resolve().is_relative_to(pathlib.Path(folder).resolve())
    ]
    if inside or any(os.path.exists(path) and os.path.samefile(output, path) for path in inputs):
        raise ValueError(
            f"The output would replace a file that is read: name another one. Received: {output}"
        )


def remove_if_empty(directory):
    """Removes a directory, if it is there and nothing is in it."""
    try:
        directory.rmdir()
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOENT, errno.ENOTDIR):
            raise


@contextlib.contextmanager
def naming(target, temporary):
    """Lets errors of writing name the target, instead of the temporary path or nothing.

    Of a folder they name the file in it: the one that the error names, or that was written last.

    Args:
        target: path that the user knows.
        temporary: path that is written.
    """
    try:
        yield
    except OSError as error:
        written = _written(error, pathlib.Path(temporary))
        if written is None:
            raise
        path = f"{target}{written.removeprefix(str(temporary))}"
        raise OSError(error.errno, error.strerror, path) from error


def _written(error, temporary):
    """The path at or below `temporary` that an error of writing is about; `None` if about another.

    An error of copying or renaming names two paths, and a full disk is told without any.
    """
    if error.filename is None and error.errno in _WRITING_ERRORS:
        files = filter(pathlib.Path.is_file, temporary.rglob("*"))
        return str(max(files, key=lambda file: file.stat().st_mtime_ns, default=temporary))
    named = (str(error.filename2), str(error.filename))
    return next((path for path in named if path.startswith(str(temporary))), None)


def write_bytes(path, content):
    """Writes a file; where there is no room, the error tells how much it needs.

    Args:
        path: path of the file.
        content: bytes.

    Raises:
        OSError: if it cannot be written; it names the file.
    """
    try:
        pathlib.Path(path).write_bytes(content)
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        reason = f"{error.strerror}, {len(content) / 1e6:.2f} MB are needed"
        raise OSError(error.errno, reason, str(path)) from error


def to_disk(path):
    """Waits until all is on the disk.

    A disk that is full or broken may say so only then: without this, half a file could be renamed.
    """
    for file in path.rglob("*") if path.is_dir() else (path,):
        if file.is_file():
            with file.open("rb") as opened:
                os.fsync(opened.fileno())


@contextlib.contextmanager
def scratch_directory():
    """Gives a temporary folder, which is gone at the end.

    Yields:
        `pathlib.Path`.

    Raises:
        OSError: if it has no room; it names the folder and TMPDIR.
    """
    with tempfile.TemporaryDirectory() as folder:
        try:
            yield pathlib.Path(folder)
        except OSError as error:
            if error.errno in _NO_ROOM and folder in str(error.filename or folder):
                raise scratch_error(folder, error.strerror) from error
            raise


def scratch_error(folder, reason):
    """The error of a temporary folder that cannot take what is written to it."""
    return OSError(
        f"The temporary folder cannot take more ({reason}): free some room there, or name another "
        f"folder by TMPDIR. Received: {folder}"
    )


@contextlib.contextmanager
def _renamed(target):
    make_directory(target.parent)
    given, target = target, pathlib.Path(os.path.realpath(target))
    if not target.parent.is_dir():
        raise FileNotFoundError(
            "The link leads into a folder that is not there: create or mount it. "
            f"Received: {given} to {target}"
        )
    check_writable(target)
    remove_abandoned(target)
    temporary = partial_path(target)
    try:
        with naming(target, temporary):
            yield temporary
            to_disk(temporary)
            replace_file(temporary, target)
    finally:
        remove_path(temporary)


@contextlib.contextmanager
def _into_stream(target):
    with scratch_directory() as folder:
        path = folder / f"content{target.suffix}"
        yield path
        with naming(target, path), path.open("rb") as content, _opened(target) as stream:
            shutil.copyfileobj(content, stream)


def _is_stream(target):
    try:
        mode = target.stat().st_mode
    except FileNotFoundError:
        return False
    if stat.S_ISBLK(mode) or stat.S_ISSOCK(mode):
        raise OSError(
            "An output is a file, a pipe or a terminal; neither a disk nor a socket is written. "
            f"Received: {target}"
        )
    return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode) or _own_output(target) is not None


def _own_output(target):
    """The number of this process' standard output or error, if that is `target`."""
    for number in (1, 2):
        with contextlib.suppress(OSError):  # it was closed
            if os.path.samestat(os.fstat(number), target.stat()):
                return number
    return None


def _opened(target):
    """A pipe or device, opened; this process' own output goes on where it is."""
    number = _own_output(target)
    if number is None:
        return target.open("wb")
    sys.stdout.flush()
    sys.stderr.flush()
    return open(os.dup(number), "wb")


def default_cache_dir():
    """The folder `keras_crosspool` in Keras' own: `$KERAS_HOME` or `~/.keras`."""
    home = os.environ.get("KERAS_HOME", pathlib.Path.home() / ".keras")
    return pathlib.Path(home) / "keras_crosspool"
