"""An ONNX graph in int8, by Q/DQ pairs."""

import importlib.metadata

import numpy as np

from keras_crosspool.exporting.convolution import LEVELS
from keras_crosspool.exporting.onnx import graph as onnx_graph
from keras_crosspool.exporting.onnx import statistics as onnx_statistics
from keras_crosspool.exporting.onnx.half_storage import store_in_half
from keras_crosspool.files import scratch_directory


class OnnxQuantizer:
    """Quantises an ONNX graph to int8 with explicit Q/DQ pairs, as one runtime wants them.

    Args:
        proto: float32 `onnx.ModelProto`; it is not changed.
        recipe: `Recipe` of the runtime.
    """

    def __init__(self, proto, recipe):
        self._proto = proto
        self._recipe = recipe

    @property
    def method(self):
        """Tool, version, runtime and statistic, as one str."""
        version = importlib.metadata.version("onnxruntime")
        return (
            f"onnxruntime {version} for {self._recipe.name}: least and largest value, mean shift "
            "of rounded weights"
        )

    def calibrate(self, pixels):
        """Measures the range of each tensor, and what rounding shifts.

        Args:
            pixels: uint8 array `(n, height, width, 3)`.

        Returns:
            `Statistics`.
        """
        recipe = self._recipe
        return onnx_statistics.measure(self._proto, pixels, recipe.operators, recipe.steps)

    def quantize(self, statistics):
        """Quantises the graph.

        Args:
            statistics: `Statistics`, from `calibrate`.

        Returns:
            `onnx.ModelProto`.
        """
        import onnx
        from onnxruntime.quantization.quant_utils import add_pre_process_metadata

        prepared = onnx.ModelProto()
        prepared.CopyFrom(self._proto)
        onnx_statistics.correct_biases(prepared, statistics.shifts)
        # The quantiser asks for a simplified graph and looks for this mark; ours is simplified.
        add_pre_process_metadata(prepared)
        quantized = self._with_pairs(prepared, statistics.ranges)
        if self._recipe.head_in_half:
            _store_head_in_half(quantized, self._proto.graph)
        return quantized

    def _with_pairs(self, proto, ranges):
        import onnx
        from onnxruntime.quantization import CalibrationMethod, QuantType, quantize_static
        from onnxruntime.quantization.calibrate import TensorsData, save_tensors_data

        bounds = {
            name: tuple(np.array(bound, "float32") for bound in pair)
            for name, pair in ranges.items()
        }
        with scratch_directory() as directory:
            measured = directory / "ranges.json"
            save_tensors_data(TensorsData(CalibrationMethod.MinMax, bounds), measured)
            quantized = directory / "int8.onnx"
            quantize_static(
                proto,
                quantized,
                calibration_cache_path=measured,
                op_types_to_quantize=list(self._recipe.operators),
                nodes_to_exclude=self._recipe.left_out(self._proto.graph),
                per_channel=True,
                activation_type=QuantType[self._recipe.activations],
                weight_type=QuantType.QInt8,
                extra_options={
                    **self._recipe.options,
                    "TensorQuantOverrides": self._weight_ranges(),
                },
            )
            return onnx.load(quantized)

    def _weight_ranges(self):
        """The range of each output channel of each kernel, as the quantiser takes it."""
        from onnxruntime.quantization import QuantType

        found = {}
        for name, convolution in onnx_statistics.convolutions(
            self._proto.graph, self._recipe.steps
        ):
            largest = LEVELS * convolution.steps.astype("float32")
            found[name] = [{"rmin": -value, "rmax": value} for value in largest]
            found[name][0] |= {"quant_type": QuantType.QInt8, "axis": 0, "symmetric": True}
        return found


def _store_head_in_half(proto, graph):
    """Keeps the large weights of a float graph's head in float16."""
    from onnxruntime.transformers.onnx_model import OnnxModel

    store_in_half(proto.graph, {node.name for node in onnx_graph.head_nodes(graph)})
    OnnxModel(proto).topological_sort()
