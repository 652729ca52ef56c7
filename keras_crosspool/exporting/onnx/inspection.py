"""Asks ONNX Runtime what it makes of a graph: which operators compute in which type."""

import collections

from keras_crosspool.files import scratch_directory

_TO_FLOAT = ("DequantizeLinear", "MatMulIntegerToFloat")


def runtime_operators(proto):
    """Counts the operators that ONNX Runtime runs on this machine's CPU, by their type.

    Args:
        proto: `onnx.ModelProto`.

    Returns:
        dict, type of the first input, such as `"uint8"`, to a dict, operator to count; the most
        frequent first.
    """
    import onnx

    graph = _optimized(proto).graph
    types = _types(graph)
    counts = collections.Counter(
        (types[node.input[0]], node.op_type) for node in graph.node if node.input
    )
    found = {}
    for (dtype, operator), count in counts.most_common():
        name = onnx.helper.tensor_dtype_to_np_dtype(dtype).name
        found.setdefault(name, {})[operator] = count
    return found


def _optimized(proto):
    """The graph as the runtime runs it, after its own optimisations."""
    import onnx
    import onnxruntime

    with scratch_directory() as directory:
        path = directory / "optimized.onnx"
        options = onnxruntime.SessionOptions()
        options.optimized_model_filepath = str(path)
        options.log_severity_level = 3  # it warns that such a file is for this machine alone
        onnxruntime.InferenceSession(
            proto.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        return onnx.load(path)


def _types(graph):
    """The types of a graph's tensors; the runtime does not write those behind its own operators."""
    import onnx

    values = (*graph.value_info, *graph.input, *graph.output)
    types = {value.name: value.type.tensor_type.elem_type for value in values}
    types |= {tensor.name: tensor.data_type for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type in _TO_FLOAT or not node.input:
            dtype = onnx.TensorProto.FLOAT
        else:
            source = node.input[2] if node.op_type == "QuantizeLinear" else node.input[0]
            dtype = types[source]
        for name in node.output:
            types.setdefault(name, dtype)
    return types
