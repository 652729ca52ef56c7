"""Runs an ONNX file with ONNX Runtime on the CPU."""

from keras_crosspool.exporting.runner import Runner


class OnnxRunner(Runner):
    """Runs an ONNX file with ONNX Runtime.

    Args:
        path: path of the file, or its bytes.
        num_threads: int, threads within an operator. Defaults to the runtime's own choice.
        name: str. Defaults to `"onnxruntime"`.
        exact_sums: bool, whether int8 values are multiplied and added in float32, where every
            sum fits. Defaults to `False`: ONNX Runtime takes its int8 routines, which keep sums
            in 16 bits on x86 processors without VNNI.
        output: int, which output of the graph is given. Defaults to `0`, the first.

    Raises:
        ValueError: on opening, if the file is no ONNX model.
    """

    def __init__(self, path, num_threads=None, name="onnxruntime", exact_sums=False, output=0):
        super().__init__(name)
        self._path = path
        self._num_threads = num_threads
        self._exact_sums = exact_sums
        self._output = output
        self._session = None

    def _open(self):
        import onnxruntime
        from onnxruntime.capi import onnxruntime_pybind11_state as errors

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self._num_threads or 0
        options.log_severity_level = 3
        if self._exact_sums:
            options.add_session_config_entry("session.disable_quant_qdq", "1")
        model = self._path if isinstance(self._path, bytes) else str(self._path)
        try:
            self._session = onnxruntime.InferenceSession(
                model, options, providers=["CPUExecutionProvider"]
            )
        except (errors.InvalidProtobuf, errors.InvalidGraph, errors.Fail, errors.NoSuchFile) as e:
            raise ValueError(
                f"ONNX Runtime cannot load the file; export it again. Received: {e}"
            ) from e
        self._input = self._session.get_inputs()[0]
        batch = self._input.shape[0]
        self.batch_size = batch if isinstance(batch, int) else None

    def _close(self):
        self._session = None

    def _infer(self, batch):
        return self._session.run(None, {self._input.name: batch})[self._output]
