"""The little of CUDA that a runner needs: a device's capability, buffers, a stream and events."""

import ctypes

import numpy as np


def find_cuda():
    """The CUDA runtime of the cuda-bindings package, or `None` without package or GPU."""
    try:
        from cuda.bindings import runtime
    except ImportError:
        return None
    error, count = runtime.cudaGetDeviceCount()
    return runtime if error == runtime.cudaError_t.cudaSuccess and count else None


def device_capability():
    """Compute capability of the first GPU, such as `"SM89"`.

    Raises:
        ValueError: if there is none.
    """
    runtime = find_cuda()
    if runtime is None:
        raise ValueError(
            "This takes an NVIDIA GPU: a driver and `pip install cuda-bindings` are needed. "
            "Received: no CUDA device"
        )
    attributes = runtime.cudaDeviceAttr
    major = call(runtime.cudaDeviceGetAttribute, attributes.cudaDevAttrComputeCapabilityMajor, 0)
    minor = call(runtime.cudaDeviceGetAttribute, attributes.cudaDevAttrComputeCapabilityMinor, 0)
    return f"SM{major}{minor}"


def call(function, *arguments):
    """Calls a function of the CUDA runtime and turns its error code into an exception.

    Raises:
        RuntimeError: with the name of the CUDA error.
    """
    error, *results = function(*arguments)
    if int(error) != 0:
        raise RuntimeError(f"CUDA failed in {function.__name__}. Received: {error.name}")
    return results[0] if results else None


class CudaBuffer:
    """A float32 array on the host, in pinned memory, and its twin on the device.

    Args:
        runtime: the CUDA runtime.
        shape: tuple of int, the largest shape.
    """

    def __init__(self, runtime, shape):
        self._runtime = runtime
        size = int(np.prod(shape)) * 4
        # Pinned memory, so that a copy is one transfer and can be timed.
        self._pinned = call(runtime.cudaMallocHost, size)
        self.device = call(runtime.cudaMalloc, size)
        view = (ctypes.c_float * (size // 4)).from_address(self._pinned)
        self.host = np.frombuffer(view, "float32").reshape(shape)

    def to_device(self, rows, stream):
        """Copies the first rows to the device, in the order of the stream."""
        self._copy(self.device, self._pinned, rows, "cudaMemcpyHostToDevice", stream)

    def to_host(self, rows, stream):
        """Copies the first rows to the host, in the order of the stream."""
        self._copy(self._pinned, self.device, rows, "cudaMemcpyDeviceToHost", stream)

    def free(self):
        """Gives the memory back; `host` must not be read any more."""
        self.host = None
        call(self._runtime.cudaFree, self.device)
        call(self._runtime.cudaFreeHost, self._pinned)

    def _copy(self, target, source, rows, kind, stream):
        size = self.host[:rows].nbytes
        direction = getattr(self._runtime.cudaMemcpyKind, kind)
        call(self._runtime.cudaMemcpyAsync, target, source, size, direction, stream)
