"""What room there is: memory of this machine, disk beside a path."""

import os
import pathlib
import shutil


def available_memory():
    """Bytes of memory that a process can still take without swapping."""
    for line in pathlib.Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_AVPHYS_PAGES")


def free_disk(path):
    """Free bytes on the file system of a path, which need not be there yet."""
    path = pathlib.Path(path).resolve()
    while not path.exists():
        path = path.parent
    return shutil.disk_usage(path).free
