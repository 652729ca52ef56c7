"""The LiteRT quantiser behind one name: the package was renamed, and its recipe is ours."""

import contextlib
import dataclasses
import importlib
import importlib.metadata
import importlib.util
import os
import re
import types
import warnings

import numpy as np

from keras_crosspool.exporting.images import full_batches
from keras_crosspool.exporting.tflite.container import seal
from keras_crosspool.exporting.tflite.inspection import pixel_tensors, tensor_wiring
from keras_crosspool.exporting.tflite.statistics import correct_biases, measure

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
        int8_io: bool, whether images come in and logits go out as int8. Defaults to `False`.
        batch_size: int, of the file. Defaults to `1`.
    """

    def __init__(self, content, float_layers, int8_io=False, batch_size=1):
        self._modules = _import_package()
        self._content = content
        self._batch_size = batch_size
        self._float_layers, self._int8_io = float_layers, int8_io
        self._quantized = None

    @property
    def method(self):
        """Tool, version and statistic, as one str."""
        package = self._modules.name
        version = importlib.metadata.version(package)
        return f"{package} {version}: least and largest value, mean shift of rounded weights"

    def calibrate(self, pixels):
        """Measures the range of each tensor, and what rounding shifts.

        Args:
            pixels: uint8 array `(n, height, width, 3)`.

        Returns:
            `Statistics`.
        """
        # What is computed pixel by pixel has a range known in advance: that of all 256 values.
        # With it the eight bits of an image pass through without any loss.
        every_value = np.resize(np.arange(256, dtype="uint8"), pixels.shape[1:])[None]
        exact = measure(self._content, self._batches(every_value)).ranges
        known = {name: exact[name] for name in pixel_tensors(self._content)}
        found = measure(self._content, self._batches(pixels))
        ranges = found.ranges | known
        output = self._output_name()
        ranges[output] = _widened(*ranges[output])
        return dataclasses.replace(found, ranges=ranges)

    def quantize(self, statistics):
        """Quantises the model.

        Args:
            statistics: `Statistics`, from `calibrate`.

        Returns:
            bytes of a TFLite file.
        """
        # float64, since the scale of a dead channel overflows the quantiser's division in float32.
        ranges = {
            name: {"min": np.array([low]), "max": np.array([high])}
            for name, (low, high) in statistics.ranges.items()
        }
        quantizer = self._recipe(correct_biases(self._content, statistics.shifts))
        with _without_debugging_hint():
            result = quantizer.quantize(
                ranges, enable_progress_bar=False, enable_progress_report=False
            )
        self._quantized = seal(result.quantized_model)
        return self._quantized

    def layer_costs(self, pixels):
        """Which layers cost precision: the noise that each adds to what it computes.

        Those that stay in float add none. What they compute of noisy inputs may be a difference
        near zero, beside which the noise would look large.

        Args:
            pixels: uint8 array `(n, height, width, 3)`, a few images.

        Returns:
            tuple of dicts with `layer`, `noise` of its output as a part of the signal's power, and
            `added_noise`, how much more that is than in its noisiest input; the costliest first.
        """
        metric = self._modules.quantizer.ValidationErrorMetric.SNR
        with _without_debugging_hint():
            comparison = self._modules.model_validator.compare_model(
                self._content,
                self._quantized,
                {"serving_default": [{"image": batch} for batch in self._batches(pixels)]},
                error_metrics=[metric],
                num_threads=os.cpu_count(),
            )
        found = comparison.get_all_tensor_results()
        noise = {name: 1 / max(metrics["snr"], 1e-12) for name, metrics in found.items()}
        costs, body = [], re.compile(_names_without(self._float_layers))
        for output, inputs in tensor_wiring(self._content):
            before = [noise[name] for name in inputs if name in noise]
            if output in noise and before and body.match(output):
                added = noise[output] - max(before)
                layer = output.split(";")[0]
                costs.append({"layer": layer, "noise": noise[output], "added_noise": added})
        return tuple(sorted(costs, key=lambda cost: -cost["added_noise"]))

    def _recipe(self, content):
        """The package's quantiser of a float file, told what becomes int8."""
        names = self._modules.qtyping.TFLOperationName
        quantizer = self._modules.quantizer.Quantizer(bytearray(content))
        body = _names_without(self._float_layers)
        # A quantised image must not meet a float multiplication on its way to the network.
        static = [(body, operator) for operator in (*_BODY, *(("MUL",) if self._int8_io else ()))]
        static += [(".*", border) for border in (("INPUT", "OUTPUT") if self._int8_io else ())]
        for regex, operator in static:
            quantizer.add_static_config(regex, names[operator], _BITS, _BITS)
        quantizer.add_dynamic_config(".*", names.FULLY_CONNECTED, _BITS)
        return quantizer

    def _output_name(self):
        return tensor_wiring(self._content)[-1][0]

    def _batches(self, pixels):
        return full_batches(pixels, self._batch_size or 1)


def _widened(low, high):
    """Twice the range of the logits: images that the model was not fitted on go beyond it."""
    margin = (high - low) / 2
    return low - margin, high + margin


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
        for part in ("model_validator", "qtyping", "quantizer")
    }
    return types.SimpleNamespace(name=name, **modules)
