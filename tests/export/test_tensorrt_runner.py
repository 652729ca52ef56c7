"""The runner of engines, on a CUDA and a TensorRT that are played by ordinary memory."""

import ctypes
import dataclasses
import types

import numpy as np
import pytest

from keras_crosspool.exporting.artefact import Artefact, path_sha256
from keras_crosspool.exporting.tensorrt import runner as tensorrt_runner


class _Cuda:
    """Host memory in the place of the device; notes what is called in which order."""

    cudaMemcpyKind = types.SimpleNamespace(
        cudaMemcpyHostToDevice="in", cudaMemcpyDeviceToHost="out"
    )

    def __init__(self):
        self.calls, self.memory, self.freed = [], {}, []
        for name in ("cudaStreamCreate", "cudaEventCreate"):
            setattr(self, name, self._named(name, lambda: (len(self.calls),)))
        for name in ("cudaEventDestroy", "cudaStreamDestroy", "cudaStreamSynchronize"):
            setattr(self, name, self._named(name, lambda _: ()))
        self.cudaEventRecord = self._named("cudaEventRecord", lambda event, stream: ())
        self.cudaEventElapsedTime = self._named("cudaEventElapsedTime", lambda a, b: (b - a,))
        self.cudaMalloc = self.cudaMallocHost = self._named("malloc", self._allocate)
        self.cudaFree = self.cudaFreeHost = self._named("free", self._free)
        self.cudaMemcpyAsync = self._named("copy", self._copy)

    def _named(self, name, function):
        def call(*arguments):
            self.calls.append(name)
            return 0, *function(*arguments)

        call.__name__ = name
        return call

    def _allocate(self, size):
        buffer = ctypes.create_string_buffer(size)
        self.memory[ctypes.addressof(buffer)] = buffer
        return (ctypes.addressof(buffer),)

    def _free(self, address):
        self.freed.append(address)
        return ()

    def _copy(self, target, source, size, kind, stream):
        ctypes.memmove(target, source, size)
        return ()


class _Context:
    """An engine whose logits are the sums of the image's colours."""

    def __init__(self, cuda):
        self._cuda, self._addresses = cuda, {}

    def set_tensor_address(self, name, address):
        self._addresses[name] = address

    def set_input_shape(self, name, shape):
        self._shape = shape

    def execute_async_v3(self, stream):
        self._cuda.calls.append("execute")
        image = self._view("image", self._shape)
        self._view("logits", (self._shape[0], 3))[:] = image.sum(axis=(1, 2))
        return True

    def _view(self, name, shape):
        size = int(np.prod(shape))
        return np.frombuffer(
            (ctypes.c_float * size).from_address(self._addresses[name]), "float32"
        ).reshape(shape)


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """A machine with a GPU of SM89 and TensorRT-RTX 1.0, and an engine that fits it."""
    cuda = _Cuda()
    context = _Context(cuda)
    engine = types.SimpleNamespace(create_execution_context=lambda: context)
    trt = types.SimpleNamespace(
        __version__="1.0",
        Logger=type("Logger", (), {"ERROR": 1, "__init__": lambda self, level: None}),
        Runtime=lambda log: types.SimpleNamespace(deserialize_cuda_engine=lambda data: engine),
    )
    monkeypatch.setattr(tensorrt_runner, "find_cuda", lambda: cuda)
    monkeypatch.setattr(tensorrt_runner, "device_capability", lambda: "SM89")
    monkeypatch.setattr(tensorrt_runner, "find_product", lambda name="auto": ("tensorrt_rtx", trt))
    path = tmp_path / "x.engine"
    path.write_bytes(b"engine")
    built = {
        "product": "tensorrt_rtx",
        "version": "1.0",
        "compute_capabilities": ["SM89"],
        "profile": {"min": 1, "opt": 2, "max": 4},
    }
    record = Artefact(
        file="x.engine",
        format="tensorrt",
        precision="float32",
        sha256=path_sha256(path),
        bytes=6,
        inputs=({"name": "image", "shape": [None, 2, 2, 3]},),
        outputs=({"name": "logits", "shape": [None, 3]},),
        operators={},
        model={},
        parity={},
        versions={},
        details={"engine": built},
    )
    return types.SimpleNamespace(cuda=cuda, trt=trt, path=path, record=record)


def test_batches_go_through_the_buffers(machine):
    images = np.random.default_rng(0).integers(0, 256, (7, 2, 2, 3))
    with tensorrt_runner.TensorRTRunner(machine.path, machine.record) as runner:
        found = runner.run(images)
        assert runner.max_batch == 4
        assert runner.name == "tensorrt_rtx"
    np.testing.assert_array_equal(found, images.sum(axis=(1, 2)))
    assert sorted(machine.cuda.freed) == sorted(machine.cuda.memory)


def test_copies_and_compute_are_timed_apart_and_synchronised(machine):
    with tensorrt_runner.TensorRTRunner(machine.path, machine.record) as runner:
        machine.cuda.calls.clear()
        runner.run(np.zeros((1, 2, 2, 3)))
        assert machine.cuda.calls == [
            "cudaStreamSynchronize",
            "cudaEventRecord",
            "copy",
            "cudaEventRecord",
            "execute",
            "cudaEventRecord",
            "copy",
            "cudaEventRecord",
            "cudaStreamSynchronize",
            *["cudaEventElapsedTime"] * 3,
        ]
        assert set(runner.milliseconds) == {"host_to_device", "compute", "device_to_host"}


def test_an_engine_that_does_not_load_is_refused(machine):
    machine.trt.Runtime = lambda log: types.SimpleNamespace(
        deserialize_cuda_engine=lambda data: None
    )
    runner = tensorrt_runner.TensorRTRunner(machine.path, machine.record)
    with pytest.raises(ValueError, match="does not load the engine"), runner:
        pass


def test_the_record_is_checked_first(machine):
    engine = {**machine.record.details["engine"], "version": "2.0"}
    record = dataclasses.replace(machine.record, details={"engine": engine})
    runner = tensorrt_runner.TensorRTRunner(machine.path, record)
    with pytest.raises(ValueError, match=r"built by tensorrt_rtx 2\.0, and version 1\.0"), runner:
        pass
    assert machine.cuda.calls == []
