"""Reads a legacy (before the zip format) PyTorch checkpoint into NumPy, without PyTorch.

The file is four pickles (magic number, protocol, system, state dict), a fifth with the storage
keys in file order, then each storage as an int64 count and its raw numbers. A pickle can call any
function it names, so names go through an allow-list and nothing else is ever imported.
"""

import collections
import dataclasses
import os
import pickle

import numpy as np

_MAGIC = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."
_ZIP_MAGIC = b"PK\x03\x04"
_PROTOCOL = 1001
_STORAGE_DTYPES = {
    "DoubleStorage": "<f8",
    "FloatStorage": "<f4",
    "HalfStorage": "<f2",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ShortStorage": "<i2",
    "CharStorage": "<i1",
    "ByteStorage": "<u1",
    "BoolStorage": "?",
}
# What the pickle machine raises on bytes that are no pickle (see the Python manual of `pickle`).
_BROKEN = (
    pickle.UnpicklingError,
    AttributeError,
    EOFError,
    ImportError,
    IndexError,
    KeyError,
    MemoryError,
    OverflowError,
    TypeError,
    ValueError,
)


@dataclasses.dataclass(frozen=True)
class _Storage:
    key: str
    dtype: str


@dataclasses.dataclass(frozen=True)
class _Tensor:
    """A view of a storage whose numbers come later in the file; sizes are in elements."""

    storage: _Storage
    offset: int
    shape: tuple
    strides: tuple


class _RefusedError(pickle.UnpicklingError):
    """The pickle names something outside the allow-list."""


class _RestrictedUnpickler(pickle.Unpickler):
    """An unpickler that knows ordered dicts, storages and tensors, and imports nothing."""

    def find_class(self, module, name):
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            # Fresh at each call: what a pickle may do to it does not last.
            return lambda *args: _Tensor(*args[:4])
        if module == "torch" and name in _STORAGE_DTYPES:
            return _STORAGE_DTYPES[name]
        raise _RefusedError(f"{module}.{name}")

    def persistent_load(self, pid):
        kind, dtype, key, _location, _count, view = pid
        if kind != "storage" or dtype not in _STORAGE_DTYPES.values() or view is not None:
            raise pickle.UnpicklingError(f"persistent id {pid!r}")
        return _Storage(key, dtype)


def read_checkpoint(path):
    """Reads the state dict of a legacy PyTorch checkpoint as NumPy arrays.

    Args:
        path: the checkpoint (`.pth`), a flat dict of tensors as `torch.save` wrote it before
            PyTorch 1.6, or since then with `_use_new_zipfile_serialization=False`.

    Returns:
        `dict[str, np.ndarray]`, tensor name to array, in the file's order; each of the tensor's
        own shape and type.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is no legacy checkpoint, is truncated, holds something other than
            tensors, or names a function or class outside the allow-list (which is not called).
    """
    with open(path, "rb") as file:
        _check_magic(file.read(len(_MAGIC)), path)
        try:
            return _read_state(file)
        except _RefusedError as error:
            raise ValueError(
                "A checkpoint may hold tensors and ordered dicts only; this one asks for "
                f"`{error}`, which was refused and not run. Use a file from a source you "
                f"trust. Received: {path}"
            ) from error
        except _BROKEN as error:
            raise ValueError(
                "The checkpoint is truncated, damaged or not a flat dict of tensors "
                f"({error}). Fetch or save it again. Received: {path}"
            ) from error


def _check_magic(start, path):
    if start.startswith(_ZIP_MAGIC):
        raise ValueError(
            "This checkpoint is in PyTorch's zip format, the legacy one was expected. Save it "
            f"with `torch.save(..., _use_new_zipfile_serialization=False)`. Received: {path}"
        )
    if start != _MAGIC:
        raise ValueError(f"Expected a legacy PyTorch checkpoint (.pth). Received: {path}")


def _read_state(file):
    protocol, system, state, keys = (_RestrictedUnpickler(file).load() for _ in range(4))
    if protocol != _PROTOCOL or not system["little_endian"]:
        raise ValueError(f"protocol {protocol}, system {system}")
    for name, tensor in state.items():
        if not isinstance(name, str) or not isinstance(tensor, _Tensor):
            raise TypeError(f"entry {name!r} is not a named tensor")
    dtypes = {tensor.storage.key: tensor.storage.dtype for tensor in state.values()}
    storages = {key: _read_storage(file, dtypes[key]) for key in keys}
    if file.read(1):
        raise ValueError("bytes left after the last storage")
    return {name: _view(tensor, storages) for name, tensor in state.items()}


def _read_storage(file, dtype):
    count = int.from_bytes(_read_exactly(file, 8), "little")
    return _read_exactly(file, count * np.dtype(dtype).itemsize)


def _read_exactly(file, size):
    left = os.fstat(file.fileno()).st_size - file.tell()
    if size > left:
        raise EOFError(f"{size} bytes expected, {left} left")
    return file.read(size)


def _view(tensor, storages):
    dtype = np.dtype(tensor.storage.dtype)
    # `np.ndarray` itself refuses offsets and strides that leave the buffer.
    view = np.ndarray(
        shape=tensor.shape,
        dtype=dtype,
        buffer=storages[tensor.storage.key],
        offset=tensor.offset * dtype.itemsize,
        strides=[stride * dtype.itemsize for stride in tensor.strides],
    )
    return view.copy()
