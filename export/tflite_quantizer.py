"""The LiteRT quantiser behind one name: the package was renamed, and its recipe is ours."""

import contextlib
import importlib
import importlib.metadata
import importlib.util
import os
import re
import types
import warnings

import numpy as np

from export.tflite_container import seal
from export.tflite_inspection import pixel_tensors, tensor_wiring

_PACKAGES = ("litert_quantizer", "ai_edge_quantizer")
_BODY = (
    "CONV_2D",
    "DEPTHWISE_CONV_2D",
    "ADD",
    "CONCATENATION",
    "PAD",
    "STRIDED_SLICE",
    "MAX_POOL_2D",
    "AVERAGE_POOL_2D",
)
_BITS = 8


class TFLiteQuantizer:
    """Quantises the body of a TFLite model to int8 and leaves its head in float.

    Convolutions get int8 weights per channel and int8 activations. The pooled sums span decades
    before their square root, so everything after the last convolution computes in float; the
    classifier alone gets int8 weights.

    Args:
        content: bytes of a float32 TFLite file.
        float_layers: names of the Keras layers that stay in float.
        int8_io: bool, whether pictures come in and logits go out as int8. Defaults to `False`.
        batch_size: int, of the file. Defaults to `1`.
    """

    def __init__(self, content, float_layers, int8_io=False, batch_size=1):
        self._modules = _import_package()
        self._content = content
        self._batch_size = batch_size
        self._quantizer = self._modules.quantizer.Quantizer(bytearray(content))
        body = _names_without(float_layers)
        # A quantised picture must not meet a float multiplication on its way to the network.
        for operator in (*_BODY, "MUL") if int8_io else _BODY:
            self._make_static(body, operator)
        for border in ("INPUT", "OUTPUT") if int8_io else ():
            self._make_static(".*", border)
        names = self._modules.qtyping.TFLOperationName
        self._quantizer.add_dynamic_config(".*", names.FULLY_CONNECTED, _BITS)

    @property
    def method(self):
        """Tool, version and statistic, as one str."""
        package = self._modules.name
        version = importlib.metadata.version(package)
        return f"{package} {version}: moving average of each picture's least and largest value"

    def calibrate(self, pixels):
        """Measures the range of each tensor.

        Args:
            pixels: uint8 array `(n, height, width, 3)`.

        Returns:
            dict, name of the tensor to a pair of floats.
        """
        # What is computed pixel by pixel has a range known in advance: that of all 256 values.
        # With it the eight bits of a picture pass through without any loss.
        every_value = np.resize(np.arange(256, dtype="uint8"), pixels.shape[1:])[None]
        exact = self._measure(every_value)
        known = {name: exact[name] for name in pixel_tensors(self._content) if name in exact}
        return self._measure(pixels) | known | self._measure_outputs(pixels)

    def quantize(self, ranges):
        """Quantises the model.

        Args:
            ranges: dict, from `calibrate`.

        Returns:
            bytes of a TFLite file.
        """
        # float64, since the scale of a dead channel overflows the quantiser's division in float32.
        result = {
            name: {"min": np.array([low]), "max": np.array([high])}
            for name, (low, high) in ranges.items()
        }
        with _without_debugging_hint():
            quantized = self._quantizer.quantize(result, enable_progress_report=False)
        return seal(quantized.quantized_model)

    def layer_costs(self, pixels):
        """Which layers cost precision: the noise that each adds to what it computes.

        Args:
            pixels: uint8 array `(n, height, width, 3)`, a few pictures.

        Returns:
            tuple of dicts with `layer`, `noise` of its output as a part of the signal's power, and
            `added_noise`, how much more that is than in its noisiest input; the costliest first.
        """
        metric = self._modules.quantizer.ValidationErrorMetric.SNR
        with _without_debugging_hint():
            comparison = self._quantizer.validate(
                self._feed(pixels), error_metrics=[metric], num_threads=os.cpu_count()
            )
        found = comparison.get_all_tensor_results()
        noise = {name: 1 / max(metrics["snr"], 1e-12) for name, metrics in found.items()}
        costs = []
        for output, inputs in tensor_wiring(self._content):
            before = [noise[name] for name in inputs if name in noise]
            if output in noise and before:
                added = noise[output] - max(before)
                layer = output.split(";")[0]
                costs.append({"layer": layer, "noise": noise[output], "added_noise": added})
        return tuple(sorted(costs, key=lambda cost: -cost["added_noise"]))

    def _measure(self, pixels):
        mode = self._modules.calibrator.CalibrationMode.CALIBRATION_PROFILER_BASED
        result = self._quantizer.calibrate(
            self._feed(pixels), num_threads=os.cpu_count(), mode=mode
        )
        return {
            name: (float(np.min(found["min"])), float(np.max(found["max"])))
            for name, found in result.items()
            if found
        }

    def _measure_outputs(self, pixels):
        """Twice the range of the logits: pictures that the model was not fitted on go beyond it."""
        from ai_edge_litert.interpreter import Interpreter

        interpreter = Interpreter(model_content=bytes(self._content), num_threads=os.cpu_count())
        output = interpreter.get_output_details()[0]["name"]
        run = interpreter.get_signature_runner()
        ((_, batches),) = self._feed(pixels).items()
        logits = [next(iter(run(**batch).values())) for batch in batches]
        low, high = float(np.min(logits)), float(np.max(logits))
        margin = (high - low) / 2
        return {output: (low - margin, high + margin)}

    def _make_static(self, regex, operator):
        names = self._modules.qtyping.TFLOperationName
        self._quantizer.add_static_config(regex, names[operator], _BITS, _BITS)

    def _feed(self, pixels):
        size = self._batch_size or 1
        starts = range(0, len(pixels), size)
        batches = (np.take(pixels, range(i, i + size), axis=0, mode="wrap") for i in starts)
        return {"serving_default": [{"image": batch.astype("float32")} for batch in batches]}


def _names_without(layers):
    """A regular expression of the tensors that no layer among `layers` made."""
    made = "|".join(map(re.escape, layers))
    return rf"^(?!.*/({made})(_\d+)?/)(?!StatefulPartitionedCall).*$"


@contextlib.contextmanager
def _without_debugging_hint():
    """The quantiser keeps every tensor to compare them, and LiteRT warns of the memory."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*experimental_preserve_all_tensors", UserWarning)
        yield


def _import_package():
    """The quantiser's modules under whichever name it is installed."""
    name = next((name for name in _PACKAGES if importlib.util.find_spec(name)), None)
    if name is None:
        raise ImportError(
            "TFLite int8 takes a package that is not installed. Run `pip install "
            f"keras_crosspool[tflite]`. Received: no {_PACKAGES[0]}"
        )
    modules = {
        part: importlib.import_module(f"{name}.{part}")
        for part in ("calibrator", "qtyping", "quantizer")
    }
    return types.SimpleNamespace(name=name, **modules)
