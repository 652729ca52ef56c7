"""Arrays on disk, written so that a full disk is an error and not the end of the process.

A file that is mapped into memory and has no room on the disk ends the process with SIGBUS when it
is first written. So files are written plainly and only read by maps, and scratch space that has to
be mapped is reserved first.
"""

import contextlib
import mmap
import os
import stat
import tempfile

import numpy as np

from keras_crosspool.files import scratch_error


class ArrayFile:
    """A `.npy` file that is written row by row.

    Args:
        path: path of the file.
        dtype: of the array.
        shape: tuple of int, of the whole array.

    Example:

    >>> with ArrayFile("numbers.npy", "float32", (3, 2)) as rows:
    ...     rows.append(np.zeros((2, 2)))
    ...     rows.append(np.ones((1, 2)))
    >>> np.load("numbers.npy").tolist()
    [[0.0, 0.0], [0.0, 0.0], [1.0, 1.0]]
    """

    def __init__(self, path, dtype, shape):
        self._path, self._dtype, self._shape = path, np.dtype(dtype), tuple(map(int, shape))
        self._file, self._rows = None, 0

    def __enter__(self):
        """Opens the file and writes its header.

        Raises:
            OSError: if it cannot be written.
        """
        self._file = open(self._path, "wb")
        np.lib.format.write_array_header_1_0(
            self._file,
            {
                "descr": np.lib.format.dtype_to_descr(self._dtype),
                "fortran_order": False,
                "shape": self._shape,
            },
        )
        return self

    def __exit__(self, kind, *_):
        with contextlib.closing(self._file):
            if kind is None and self._rows != self._shape[0]:
                raise ValueError(
                    f"Expected all {self._shape[0]} rows before the end. Received: {self._rows}"
                )
            if kind is None:
                self._file.flush()

    def append(self, rows):
        """Writes the next rows.

        Args:
            rows: array of the shape `(n, *shape[1:])`, converted to the dtype.

        Raises:
            ValueError: if their shape is another one.
            OSError: if there is no room.
        """
        rows = np.ascontiguousarray(rows, self._dtype)
        if rows.shape[1:] != self._shape[1:] or self._rows + len(rows) > self._shape[0]:
            raise ValueError(
                f"Expected rows that fit into {self._shape} after {self._rows} of them. "
                f"Received: shape {rows.shape}"
            )
        self._file.write(rows.data)
        self._rows += len(rows)


def linked(array, path):
    """Gives the file that an array is mapped from a second name, which takes no time and no room.

    Such a file must not be changed in place, only replaced.

    Args:
        array: what `np.load(..., mmap_mode="r")` gave, or any other array.
        path: path of the new name.

    Returns:
        bool, whether it was done: not for other arrays, files that must not be written, on other
        disks, or where links are unknown.

    Example:

    >>> np.save("first.npy", np.ones(3))
    >>> linked(np.load("first.npy", mmap_mode="r"), "second.npy"), linked(np.ones(3), "third.npy")
    (True, False)
    """
    # A part of a mapped array has the file's name too, but is based on the array.
    if not (isinstance(array, np.memmap) and isinstance(array.base, mmap.mmap) and array.offset):
        return False
    # A second name shares the mode too: one of a file that is protected could not be replaced.
    if not os.stat(array.filename).st_mode & stat.S_IWUSR:
        return False
    try:
        os.link(array.filename, path)
    except OSError:
        return False
    return True


def scratch_array(dtype, shape):
    """An array in a file of the temporary folder, which is gone with the last use of the array.

    Args:
        dtype: of the array.
        shape: tuple of int.

    Returns:
        `np.memmap` of zeros, for which the disk has room.

    Raises:
        OSError: if the temporary folder has no room for it.

    Example:

    >>> scratch_array("float32", (2, 3)).sum().item()
    0.0
    """
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    with tempfile.TemporaryFile() as file:
        try:
            _reserve(file, size)
        except OSError as error:
            reason = f"{size / 1e9:.2f} GB: {error.strerror}"
            raise scratch_error(tempfile.gettempdir(), reason) from error
        return np.memmap(file, dtype, "r+", shape=shape)


def release(array):
    """Takes a scratch array's pages out of this process's memory; the array stays as it is.

    The pages stay in the system's cache of files while there is room. Other arrays are left alone.

    Example:

    >>> array = scratch_array("float32", (2, 3))
    >>> array[:] = 1
    >>> release(array)
    >>> array.sum().item()
    6.0
    """
    if isinstance(array, np.memmap) and hasattr(mmap, "MADV_DONTNEED"):
        array.base.madvise(mmap.MADV_DONTNEED)


def _reserve(file, size):
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file.fileno(), 0, size)
    else:  # not on macOS
        file.truncate(size)
