"""Runs an OpenVINO model on the CPU."""

import pathlib

from keras_crosspool.exporting.runner import Runner

MODEL_FILE = "model.xml"


class OpenVINORunner(Runner):
    """Runs an OpenVINO model with the CPU plugin, which computes in float32.

    Args:
        path: path of the folder.
        num_threads: int. Defaults to the runtime's own choice.
        name: str. Defaults to `"openvino"`.

    Raises:
        ValueError: on opening, if the folder holds no OpenVINO model.
    """

    def __init__(self, path, num_threads=None, name="openvino"):
        super().__init__(name)
        self._path = pathlib.Path(path)
        self._num_threads = num_threads
        self._model = None

    def _open(self):
        import openvino

        # Some CPUs would compute in bfloat16 unless told otherwise.
        options = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
        if self._num_threads:
            options["INFERENCE_NUM_THREADS"] = self._num_threads
        try:
            file = self._path / MODEL_FILE
            self._model = openvino.Core().compile_model(file, "CPU", options)
        except RuntimeError as error:
            reason = str(error).strip().splitlines()[-1]
            raise ValueError(
                f"OpenVINO cannot load the folder; export it again ({reason}). "
                f"Received: {self._path}"
            ) from error
        batch = self._model.inputs[0].partial_shape[0]
        self.batch_size = batch.get_length() if batch.is_static else None

    def _close(self):
        self._model = None

    def _infer(self, batch):
        return self._model(batch)[0].copy()
