"""An ONNX graph in float16: its arithmetic by casts, or its weights alone."""

import numpy as np

from keras_crosspool.exporting.onnx import graph as onnx_graph

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
    store_in_half(half.graph, set(head))
    model = OnnxModel(half)
    model.prune_graph()
    model.topological_sort()
    return model.model


def weights_to_float16(proto):
    """Stores the weights of a graph in float16; all of it computes in float32.

    Args:
        proto: float32 `onnx.ModelProto`; it is not changed.

    Returns:
        `onnx.ModelProto`.
    """
    import onnx
    from onnxruntime.transformers.onnx_model import OnnxModel

    copy = onnx.ModelProto()
    copy.CopyFrom(proto)
    store_in_half(copy.graph, {node.name for node in copy.graph.node})
    model = OnnxModel(copy)
    model.topological_sort()
    return model.model


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


def store_in_half(graph, nodes):
    """Keeps the large float32 weights of some nodes in float16, each with a cast behind it.

    Runtimes cast constants once, when they load the file.

    Args:
        graph: `onnx.GraphProto`, changed in place; the casts come last.
        nodes: set of str, names of the nodes.
    """
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
