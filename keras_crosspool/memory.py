"""What room there is: memory of this process, disk beside a path."""

import pathlib
import resource
import shutil
import sys

_PROC, _GROUPS = pathlib.Path("/proc"), pathlib.Path("/sys/fs/cgroup")


def available_memory():
    """Bytes of memory that this process can still take without swapping.

    The least of what the machine has available and of what the limits of the process' control
    groups leave, such as those of a container.

    Reference: the files of control groups, version 2 (`memory.max`, `memory.current`) and
    version 1 (`memory.limit_in_bytes`, `memory.usage_in_bytes`).
    """
    return max(0, min([_machine(), *_left_by_groups()]))


def peak_memory():
    """The most bytes of memory that this process has held at a time."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak


def free_disk(path):
    """Free bytes on the file system of a path, which need not be there yet."""
    path = pathlib.Path(path).resolve()
    while not path.exists():
        path = path.parent
    return shutil.disk_usage(path).free


def _machine():
    import psutil

    return psutil.virtual_memory().available


def _left_by_groups():
    """What each memory limit above this process leaves, files that can be dropped not counted."""
    names = "memory.max", "memory.current"
    old_names = "memory.limit_in_bytes", "memory.usage_in_bytes"
    for root, path, of_version_1 in _memory_groups():
        limit_name, used_name = old_names if of_version_1 else names
        for folder in (root / path.lstrip("/"), *(root / path.lstrip("/")).parents):
            limit, used = _number(folder / limit_name), _number(folder / used_name)
            if limit is not None and used is not None:
                yield limit - used + _droppable(folder / "memory.stat")
            if folder == root:
                break


def _memory_groups():
    """Where the control groups of this process that limit memory lie: root, path, version 1."""
    listed = _PROC / "self" / "cgroup"
    if not listed.exists():
        return
    for line in listed.read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            yield _GROUPS, path, False
        elif "memory" in controllers.split(","):
            yield _GROUPS / "memory", path, True


def _number(file):
    """The number in a file; `None` where there is no file, or no number as there is no limit."""
    try:
        return int(file.read_text())
    except (OSError, ValueError):
        return None


def _droppable(file):
    """Bytes of cached files that the kernel drops before a limit is reached."""
    try:
        pairs = dict(line.split() for line in file.read_text().splitlines())
    except OSError:
        return 0
    return int(pairs.get("total_inactive_file", pairs.get("inactive_file", 0)))
