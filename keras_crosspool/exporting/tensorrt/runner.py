"""Runs a TensorRT engine on an NVIDIA GPU."""

import pathlib

from keras_crosspool.exporting.artefact import read_artefact
from keras_crosspool.exporting.runner import Runner
from keras_crosspool.exporting.tensorrt.cuda import CudaBuffer, call, device_capability, find_cuda
from keras_crosspool.exporting.tensorrt.engine_builder import find_product
from keras_crosspool.exporting.tensorrt.engine_record import check_engine_fits


class TensorRTRunner(Runner):
    """Runs an engine of TensorRT or TensorRT-RTX; copies and compute are timed apart.

    Args:
        path: path of the engine.
        record: `Artefact` of the engine. Defaults to the one beside it.
        name: str. Defaults to the product's name.

    Attributes:
        milliseconds: dict of the last batch's `host_to_device`, `compute` and `device_to_host`.

    Raises:
        ValueError: on opening, if there is no GPU, or the engine's record says that it does not
            fit this machine.
    """

    def __init__(self, path, record=None, name=None):
        super().__init__(name or "tensorrt")
        self._path = pathlib.Path(path)
        self._record = record
        self._named = name is not None
        self.milliseconds = {}

    def _open(self):
        record = self._record or read_artefact(self._path)
        product, trt = _find_product_for(record)
        if not self._named:
            self.name = product
        self._cuda = find_cuda()
        capability = device_capability() if self._cuda else None
        check_engine_fits(record, product, trt.__version__, capability)
        runtime = trt.Runtime(trt.Logger(trt.Logger.ERROR))
        engine = runtime.deserialize_cuda_engine(self._path.read_bytes())
        if engine is None:
            raise ValueError(
                f"{product} does not load the engine; export it again here. Received: {self._path}"
            )
        self._engine, self._context = engine, engine.create_execution_context()
        self._make_buffers(record)

    def _make_buffers(self, record):
        (image,), (logits,) = record.inputs, record.outputs
        fixed = image["shape"][0]
        largest = record.details["engine"]["profile"]["max"]
        self.batch_size, self.max_batch = fixed, largest
        rows = fixed or largest
        self._stream = call(self._cuda.cudaStreamCreate)
        self._events = [call(self._cuda.cudaEventCreate) for _ in range(4)]
        self._image = CudaBuffer(self._cuda, (rows, *image["shape"][1:]))
        self._logits = CudaBuffer(self._cuda, (rows, *logits["shape"][1:]))
        self._input_name = image["name"]
        self._context.set_tensor_address(image["name"], int(self._image.device))
        self._context.set_tensor_address(logits["name"], int(self._logits.device))

    def _close(self):
        call(self._cuda.cudaStreamSynchronize, self._stream)
        self._image.free()
        self._logits.free()
        for event in self._events:
            call(self._cuda.cudaEventDestroy, event)
        call(self._cuda.cudaStreamDestroy, self._stream)
        self._context = self._engine = None

    def _infer(self, batch):
        rows = len(batch)
        self._image.host[:rows] = batch
        self._context.set_input_shape(self._input_name, batch.shape)
        # Nothing of an earlier batch may still run when the clock starts.
        call(self._cuda.cudaStreamSynchronize, self._stream)
        self._mark(0)
        self._image.to_device(rows, self._stream)
        self._mark(1)
        if not self._context.execute_async_v3(int(self._stream)):
            raise RuntimeError(f"The engine did not run. Received: {self._path}")
        self._mark(2)
        self._logits.to_host(rows, self._stream)
        self._mark(3)
        call(self._cuda.cudaStreamSynchronize, self._stream)
        steps = ("host_to_device", "compute", "device_to_host")
        self.milliseconds = {step: self._elapsed(i) for i, step in enumerate(steps)}
        return self._logits.host[:rows].copy()

    def _mark(self, i):
        call(self._cuda.cudaEventRecord, self._events[i], self._stream)

    def _elapsed(self, i):
        return call(self._cuda.cudaEventElapsedTime, self._events[i], self._events[i + 1])


def _find_product_for(record):
    """The product that built the engine, or else the one that is installed."""
    try:
        return find_product(record.details["engine"]["product"])
    except ImportError:
        return find_product()
