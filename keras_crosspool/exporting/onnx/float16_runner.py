"""Runs an ONNX graph with float16 arithmetic."""

import pathlib

from keras_crosspool.exporting.float16.float16_runner import Float16Runner, to_float16
from keras_crosspool.exporting.float16.operator import Operator

# Inputs that say how large a map becomes.
_SIZES = {"Resize": (1, 2)}


class OnnxFloat16Runner(Float16Runner):
    """Runs an ONNX graph with ONNX Runtime, operator by operator, each rounded to float16.

    Args:
        path: path of the file, or its bytes.

    Raises:
        ValueError: on opening, if the graph has loops or branches.
    """

    def __init__(self, path):
        super().__init__("float16 arithmetic on onnxruntime")
        self._path = path

    def _load(self):
        import onnx

        is_content = isinstance(self._path, bytes)
        content = self._path if is_content else pathlib.Path(self._path).read_bytes()
        proto = onnx.load_model_from_string(content)
        graph = proto.graph
        kinds = {node.op_type for node in graph.node for x in node.attribute if x.HasField("g")}
        self._refuse_branches(kinds)
        constants = {x.name: onnx.numpy_helper.to_array(x) for x in graph.initializer}
        image = graph.input[0]
        self.batch_size = image.type.tensor_type.shape.dim[0].dim_value or 1
        operators = [_operator(node, constants, proto) for node in graph.node]
        return image.name, graph.output[0].name, operators


def _operator(node, constants, proto):
    """A node as an `Operator`; its session is made when the types of its inputs are known."""
    settings = _settings(node)
    held = {name: constants[name] for name in node.input if name in constants}
    rounded = {k: array if k in settings else to_float16(array) for k, array in held.items()}
    read = tuple(dict.fromkeys(name for name in node.input if name and name not in held))
    made = tuple(filter(None, node.output))
    sessions = []

    def run(arrays):
        feeds = dict(zip(read, arrays, strict=True))
        if not sessions:
            sessions.append(_session(node, feeds, rounded, proto))
        return sessions[0].run(made, feeds)

    data = tuple(array for name, array in held.items() if name not in settings)
    return Operator(f"{node.op_type} {node.name}", read, made, run, data)


def _settings(node):
    """Names of the inputs that tell an operator how to compute, and are no data."""
    if "Linear" in node.op_type:  # QuantizeLinear and its kin: the steps of integers
        return set(node.input)
    return {node.input[i] for i in _SIZES.get(node.op_type, ()) if i < len(node.input)}


def _session(node, feeds, constants, proto):
    """An ONNX Runtime session of one node."""
    import onnx
    import onnxruntime

    dtype = onnx.helper.np_dtype_to_tensor_dtype
    graph = onnx.helper.make_graph(
        [node],
        "operator",
        [onnx.helper.make_tensor_value_info(k, dtype(x.dtype), None) for k, x in feeds.items()],
        [onnx.ValueInfoProto(name=name) for name in node.output if name],
        [onnx.numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    model = onnx.helper.make_model(
        graph, opset_imports=proto.opset_import, ir_version=proto.ir_version
    )
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1  # the pools of many sessions get into each other's way
    return onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
