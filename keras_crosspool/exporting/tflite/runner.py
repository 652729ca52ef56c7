"""Runs a TFLite file with LiteRT on the CPU."""

import numpy as np

from keras_crosspool.exporting.output_names import PROBABILITIES
from keras_crosspool.exporting.runner import Runner


class LiteRTRunner(Runner):
    """Runs a TFLite file with LiteRT and its XNNPACK delegate.

    Args:
        path: path of the file, or its bytes.
        num_threads: int. Defaults to the runtime's own choice.
        name: str. Defaults to `"litert"`.

    Raises:
        ValueError: on opening, if the file is no TFLite model.
    """

    def __init__(self, path, num_threads=None, name="litert"):
        super().__init__(name)
        self._path = path if isinstance(path, bytes) else str(path)
        self._num_threads = num_threads
        self._interpreter = None

    def _open(self):
        from ai_edge_litert.interpreter import Interpreter

        is_content = isinstance(self._path, bytes)
        file = {"model_content" if is_content else "model_path": self._path}
        try:
            self._interpreter = Interpreter(**file, num_threads=self._num_threads)
            self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise ValueError(
                f"LiteRT cannot load the file; export it again ({error}). "
                f"Received: {self._path!r:.200}"
            ) from error
        self._input = self._interpreter.get_input_details()[0]
        self._output = self._interpreter.get_output_details()[0]
        self.gives_probabilities = self._output["name"] == PROBABILITIES
        batch = int(self._input["shape_signature"][0])
        self.batch_size = batch if batch > 0 else None
        self._allocated = int(self._input["shape"][0])

    def _close(self):
        self._interpreter = None

    def _infer(self, batch):
        if len(batch) != self._allocated:
            self._interpreter.resize_tensor_input(self._input["index"], batch.shape)
            self._interpreter.allocate_tensors()
            self._allocated = len(batch)
        self._interpreter.set_tensor(self._input["index"], quantise(batch, self._input))
        self._interpreter.invoke()
        return dequantise(self._interpreter.get_tensor(self._output["index"]), self._output)


def quantise(values, tensor):
    """Maps floats to the integers of a tensor; where it holds floats they stay as they are."""
    dtype = tensor["dtype"]
    if np.issubdtype(dtype, np.floating):
        return values
    scale, zero_point = tensor["quantization"]
    scale = scale or 1.0  # integers that stand for themselves, such as the bytes of an image
    limits = np.iinfo(dtype)
    return np.clip(np.rint(values / scale) + zero_point, limits.min, limits.max).astype(dtype)


def dequantise(values, tensor):
    """Maps the integers of a quantised tensor to floats; floats stay as they are."""
    if np.issubdtype(tensor["dtype"], np.floating):
        return values
    scale, zero_point = tensor["quantization"]
    return (values.astype("float32") - zero_point) * np.float32(scale)
