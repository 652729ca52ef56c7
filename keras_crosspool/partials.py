"""Names of files that are being written: they say by which process, so that none stays for ever.

A process that is killed leaves its half-written file. The next process that writes the same target
removes it, but only where that is certain: the name holds the machine, the process and the time at
which that started. Files of other machines, and of this one before it was started again, are never
touched, so machines that share a file system do not take each other's files.
"""

import functools
import hashlib
import os
import pathlib
import re
import secrets
import shutil
import uuid

from absl import logging

_STEM = 40  # characters of the target's name that are kept: file systems take 255 bytes in all
_NAME = re.compile(r"\..+\.[0-9a-f-]{16,}\.partial(\..*)?", re.DOTALL)  # also of version 0.1
_TOKEN = re.compile(r"([0-9a-f]{12})-([0-9a-f]+)-([0-9a-f]+)-[0-9a-f]{8}")


def partial_path(target):
    """A new name beside `target`, for its content as long as it is not complete.

    The suffix is kept, since writers such as Keras choose the format by it.

    Args:
        target: `pathlib.Path`.

    Returns:
        `pathlib.Path`.
    """
    pid = os.getpid()
    token = f"{_machine()}-{pid:x}-{_start_of(pid) or 0:x}-{secrets.token_hex(4)}"
    return target.with_name(f"{_beginning(target)}{token}.partial{target.suffix}")


def is_partial(path):
    """Whether a file or folder is named as by `partial_path`."""
    return _NAME.fullmatch(path.name) is not None


def remove_abandoned(target):
    """Removes what processes of this machine that have ended left of `target`.

    Args:
        target: `pathlib.Path`; its folder must be there.
    """
    beginning, end = _beginning(target), f".partial{target.suffix}"
    for path in _listed(target.parent):
        name = path.name
        if name.startswith(beginning) and name.endswith(end):
            token = _TOKEN.fullmatch(name[len(beginning) : -len(end)])
            if token and _is_abandoned(token):
                _remove(path)


def _listed(folder):
    """What is in a folder; nothing of one that may be written and not read."""
    try:
        return list(folder.iterdir())
    except PermissionError:
        return []


def remove_path(path):
    """Removes a file or a folder with all that is in it, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _remove(path):
    try:
        remove_path(path)
    except OSError as error:  # another user's, or another process was faster
        logging.warning("%s, left by a process that was killed, was not removed: %s", path, error)


def _beginning(target):
    return f".{target.stem[:_STEM]}."


def _is_abandoned(token):
    machine, pid, start = token.groups()
    return machine == _machine() and not _is_running(int(pid, 16), int(start, 16))


def _is_running(pid, start):
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:  # another user's
        pass
    found = _start_of(pid)
    return found is None or found == start  # else the number is another process's by now


@functools.cache
def _machine():
    """Twelve digits of this machine, since it was started, and of its table of processes.

    Containers on one machine have tables of their own, and may have one host name.
    """
    try:
        boot = pathlib.Path("/proc/sys/kernel/random/boot_id").read_text()
        table = os.readlink("/proc/self/ns/pid")
    except OSError:  # no Linux
        boot, table = uuid.getnode(), ""
    return hashlib.sha256(f"{boot} {table}".encode()).hexdigest()[:12]


def _start_of(pid):
    """When a process started, in ticks; -1 if it has ended, `None` if that cannot be known."""
    try:
        text = pathlib.Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return None
    state, *fields = text.rpartition(")")[2].split()
    return -1 if state in "ZX" else int(fields[18])
