"""Arrays on disk: the bytes of NumPy, and a full disk is an error that can be caught."""

import errno
import os
import pathlib
import tempfile

import numpy as np
import pytest

from keras_crosspool.array_file import ArrayFile, release, scratch_array


@pytest.mark.parametrize("dtype", ["float16", "float32", "uint8", "uint64"])
@pytest.mark.parametrize("shape", [(7, 3), (7, 2, 3, 1), (7,), (0, 3)])
def test_the_bytes_that_numpy_writes(tmp_path, dtype, shape):
    array = np.random.default_rng(0).integers(0, 200, shape).astype(dtype)
    with ArrayFile(tmp_path / "ours.npy", dtype, shape) as rows:
        for start in range(0, len(array), 3):
            rows.append(array[start : start + 3])
    np.save(tmp_path / "theirs.npy", array)
    assert (tmp_path / "ours.npy").read_bytes() == (tmp_path / "theirs.npy").read_bytes()


def test_rows_are_converted_and_need_not_be_contiguous(tmp_path):
    array = np.arange(24.0).reshape(4, 6)
    with ArrayFile(tmp_path / "x.npy", "float16", (4, 3)) as rows:
        rows.append(array[:, ::2])
    found = np.load(tmp_path / "x.npy", mmap_mode="r")
    assert found.dtype == "float16"
    np.testing.assert_array_equal(found, array[:, ::2])


@pytest.mark.parametrize("shape", [(2, 4), (3,), (2, 3)])
def test_rows_that_do_not_fit_are_refused(tmp_path, shape):
    rows = ArrayFile(tmp_path / "x.npy", "float32", (3, 3)).__enter__()
    rows.append(np.zeros((2, 3)))
    with pytest.raises(ValueError, match=r"fit into \(3, 3\) after 2 of them\. Received: shape"):
        rows.append(np.zeros(shape))
    with pytest.raises(ValueError, match=r"Received: 2$"):
        rows.__exit__(None)


def test_missing_rows_are_refused(tmp_path):
    with (
        pytest.raises(ValueError, match=r"Expected all 3 rows.*Received: 2$"),
        ArrayFile(tmp_path / "x.npy", "float32", (3, 3)) as rows,
    ):
        rows.append(np.zeros((2, 3)))


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="Linux has a disk that is always full")
@pytest.mark.parametrize("count", [1, 10**6])
def test_a_full_disk_is_an_error(count, tmp_path):
    """Few rows are noticed at the end, when the buffer is written."""
    (tmp_path / "full.npy").symlink_to("/dev/full")
    with (
        pytest.raises(OSError, match="No space left") as error,
        ArrayFile(tmp_path / "full.npy", "float32", (count, 2)) as rows,
    ):
        rows.append(np.zeros((count, 2)))
    assert error.value.errno == errno.ENOSPC


def test_scratch_space_is_reserved_and_gone(tmp_path, monkeypatch):
    reserved = []
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(os, "posix_fallocate", lambda *args: _reserve(*args, reserved))
    array = scratch_array("float32", (1000, 4))
    array[-1] = 3
    assert float(array.sum()) == 12
    assert reserved[0] >= 16_000
    assert os.listdir(tmp_path) == []


def _reserve(number, start, size, reserved, allocate=os.posix_fallocate):
    """Reserves, and notes how many bytes the file then has on the disk; a hole has none."""
    allocate(number, start, size)
    reserved.append(os.fstat(number).st_blocks * 512)


def test_released_pages_leave_memory_and_keep_their_values():
    array = scratch_array("float32", (2**20, 16))
    before = _resident()
    array[:] = np.arange(16)
    written = _resident()
    release(array)
    assert written - before > 0.9 * array.nbytes
    assert _resident() - before < 0.1 * array.nbytes
    np.testing.assert_array_equal(array[::997], np.tile(np.arange(16), (1052, 1)))


def test_arrays_in_memory_are_not_released():
    array = np.ones(3)
    release(array)
    assert array.sum() == 3


def _resident():
    """Bytes of this process that are in memory."""
    pages = int(pathlib.Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def test_scratch_space_that_is_not_there(tmp_path, monkeypatch, tried):
    def full(number, start, size):
        assert (start, size) == (0, 48)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(OSError, match=r"No space left.*by TMPDIR\. Received: ") as error:
        scratch_array("float32", (4, 3))
    tried("files", "the solver's scratch space in a full TMPDIR", error.value)
