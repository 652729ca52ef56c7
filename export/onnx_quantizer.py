"""Lower precisions of an ONNX graph: float16 by casts, int8 by Q/DQ pairs that TensorRT accepts."""

import importlib.metadata

import numpy as np

from export import onnx_graph
from keras_crosspool.files import scratch_directory

# Smaller constants of the head are worth no cast.
_LARGE = 1024


def to_float16(proto):
    """Converts a graph to float16; the head computes in float32, with weights kept in float16.

    Args:
        proto: float32 `onnx.ModelProto`; it is not changed.

    Returns:
        `onnx.ModelProto` with float32 input and output.
    """
    import onnx
    from onnxruntime.transformers.float16 import convert_float_to_float16
    from onnxruntime.transformers.onnx_model import OnnxModel

    copy = onnx.ModelProto()
    copy.CopyFrom(proto)
    head = [node.name for node in onnx_graph.head_nodes(copy.graph)]
    half = convert_float_to_float16(copy, keep_io_types=True, node_block_list=head)
    _skip_round_trips(half.graph)
    _store_in_half(half.graph, set(head))
    model = OnnxModel(half)
    model.prune_graph()
    model.topological_sort()
    return model.model


def measure_ranges(proto, pixels):
    """Measures the range of each tensor that `to_int8` quantises.

    Args:
        proto: float32 `onnx.ModelProto`.
        pixels: uint8 array `(n, height, width, 3)`.

    Returns:
        dict, name of the tensor to a pair of floats.
    """
    from onnxruntime.quantization import CalibrationMethod, create_calibrator

    with scratch_directory() as directory:
        model = directory / "model.onnx"
        model.write_bytes(proto.SerializeToString())
        calibrator = create_calibrator(
            model,
            _quantised_types(),
            augmented_model_path=str(model.with_name("augmented.onnx")),
            calibrate_method=CalibrationMethod.MinMax,
        )
        calibrator.collect_data(_reader(pixels, batch_size(proto)))
        found = calibrator.compute_data()
    return {
        name: tuple(float(np.asarray(bound).item()) for bound in found[name].range_value)
        for name in found.data
    }


def method():
    """Tool, version and statistic of `measure_ranges`, as one str."""
    version = importlib.metadata.version("onnxruntime")
    return f"onnxruntime {version}: least and largest value over all pictures"


def to_int8(proto, ranges):
    """Quantises convolutions and the classifier to int8, symmetric, with explicit Q/DQ pairs.

    Args:
        proto: float32 `onnx.ModelProto`.
        ranges: dict, from `measure_ranges`.

    Returns:
        `onnx.ModelProto`.
    """
    import onnx
    from onnxruntime.quantization import CalibrationMethod, QuantType, quantize_static
    from onnxruntime.quantization.calibrate import TensorsData, save_tensors_data
    from onnxruntime.quantization.quant_utils import add_pre_process_metadata

    prepared = onnx.ModelProto()
    prepared.CopyFrom(proto)
    # The quantiser asks for a simplified graph and looks for this mark; ours is simplified.
    add_pre_process_metadata(prepared)
    bounds = {
        name: tuple(np.array(bound, "float32") for bound in pair) for name, pair in ranges.items()
    }
    with scratch_directory() as directory:
        measured = directory / "ranges.json"
        save_tensors_data(TensorsData(CalibrationMethod.MinMax, bounds), measured)
        quantised = directory / "int8.onnx"
        quantize_static(
            prepared,
            quantised,
            calibration_cache_path=measured,
            op_types_to_quantize=_quantised_types(),
            nodes_to_exclude=_products_of_maps(proto.graph),
            per_channel=True,
            activation_type=QuantType.QInt8,
            weight_type=QuantType.QInt8,
            # Symmetric, float bias and no pair behind an operator: all that TensorRT parses.
            extra_options={
                "ActivationSymmetric": True,
                "WeightSymmetric": True,
                "QuantizeBias": False,
                "OpTypesToExcludeOutputQuantization": _quantised_types(),
            },
        )
        return onnx.load(quantised)


def batch_size(proto):
    """The batch that a graph takes; `0` if it is open."""
    return proto.graph.input[0].type.tensor_type.shape.dim[0].dim_value


def _quantised_types():
    return ["Conv", "Gemm", "MatMul"]


def _products_of_maps(graph):
    """Names of the products without weights: `A^T X`, whose sums eight bits would destroy."""
    weights = {tensor.name for tensor in graph.initializer}
    return [
        node.name
        for node in graph.node
        if node.op_type in ("Gemm", "MatMul") and not weights & set(node.input)
    ]


def _reader(pixels, batch):
    from onnxruntime.quantization import CalibrationDataReader

    class Reader(CalibrationDataReader):
        def __init__(self):
            size = batch or 1
            starts = range(0, len(pixels), size)
            self._batches = (
                np.take(pixels, range(i, i + size), axis=0, mode="wrap") for i in starts
            )

        def get_next(self):
            batch = next(self._batches, None)
            return None if batch is None else {"image": batch.astype("float32")}

    return Reader()


def _skip_round_trips(graph):
    """Lets a float32 tensor pass by a pair of casts to float16 and back, which would overflow."""
    import onnx

    casts = {
        node.output[0]: (node.input[0], node.attribute[0].i)
        for node in graph.node
        if node.op_type == "Cast"
    }
    back = {}
    for output, (between, dtype) in casts.items():
        origin, half = casts.get(between, (None, None))
        if dtype == onnx.TensorProto.FLOAT and half == onnx.TensorProto.FLOAT16:
            back[output] = origin
    for node in graph.node:
        node.input[:] = [back.get(name, name) for name in node.input]


def _store_in_half(graph, nodes):
    """Keeps the large float32 weights of some nodes in float16, each with a cast behind it."""
    import onnx

    used = {name for node in graph.node if node.name in nodes for name in node.input}
    for tensor in graph.initializer:
        values = onnx.numpy_helper.to_array(tensor)
        if tensor.name in used and values.dtype == np.float32 and values.size >= _LARGE:
            cast = onnx.helper.make_node(
                "Cast",
                [f"{tensor.name}/float16"],
                [tensor.name],
                name=f"{tensor.name}/cast",
                to=onnx.TensorProto.FLOAT,
            )
            half = onnx.numpy_helper.from_array(values.astype("float16"), cast.input[0])
            tensor.CopyFrom(half)
            graph.node.append(cast)
