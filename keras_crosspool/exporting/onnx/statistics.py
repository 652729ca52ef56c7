"""Runs a float ONNX graph on real images and measures what its int8 version must know."""

import numpy as np

from keras_crosspool.exporting.convolution import Convolution
from keras_crosspool.exporting.images import full_batches
from keras_crosspool.exporting.onnx import graph as onnx_graph
from keras_crosspool.exporting.statistics import Collector


def convolutions(graph, steps):
    """The convolutions of a graph whose weights are constants.

    Args:
        graph: `onnx.GraphProto`.
        steps: function of a kernel that gives the int8 steps of its output channels.

    Yields:
        Pairs of a kernel's name and its `Convolution`.
    """
    import onnx

    constants = {tensor.name: tensor for tensor in graph.initializer}
    for node in _convolution_nodes(graph):
        attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
        kernel = onnx.numpy_helper.to_array(constants[node.input[1]]).transpose(0, 2, 3, 1)
        top, left, bottom, right = attributes.get("pads", (0, 0, 0, 0))
        same = attributes.get("auto_pad", b"NOTSET") == b"SAME_UPPER"
        yield (
            node.input[1],
            Convolution(
                source=node.input[0],
                kernel=kernel,
                steps=steps(kernel),
                strides=tuple(attributes.get("strides", (1, 1))),
                dilations=tuple(attributes.get("dilations", (1, 1))),
                padding=None if same else ((top, bottom), (left, right)),
            ),
        )


def measure(proto, pixels, operators, steps):
    """Measures a float32 graph.

    Args:
        proto: `onnx.ModelProto`.
        pixels: uint8 array `(n, height, width, 3)`.
        operators: the operator types that become int8, whose tensors' ranges are measured.
        steps: function of a kernel that gives the int8 steps of its output channels.

    Returns:
        `Statistics`.
    """
    import onnxruntime

    found = list(convolutions(proto.graph, steps))
    watched = _activations(proto.graph, operators)
    image = proto.graph.input[0].name
    names = {*watched, *(convolution.source for _, convolution in found)} - {image}
    names = sorted(names)
    session = onnxruntime.InferenceSession(
        _with_outputs(proto, names).SerializeToString(), providers=["CPUExecutionProvider"]
    )
    collector = Collector(found)
    for batch in full_batches(pixels, onnx_graph.batch_size(proto) or 1):
        tensors = dict(zip(names, session.run(names, {image: batch}), strict=True))
        tensors[image] = batch
        collector.add(
            {name: tensors[name] for name in watched},
            lambda name, tensors=tensors: tensors[name].transpose(0, 2, 3, 1),
        )
    return collector.statistics()


def correct_biases(proto, shifts):
    """Takes the shifts that rounded weights cause back, in the biases of the float graph.

    Args:
        proto: float32 `onnx.ModelProto`, changed in place.
        shifts: dict, from `measure`.
    """
    import onnx

    constants = {tensor.name: tensor for tensor in proto.graph.initializer}
    for node in _convolution_nodes(proto.graph):
        kernel, *bias = node.input[1:]
        # A new one: equal biases of several convolutions are one constant.
        name = "/".join([kernel, *bias, "shifted"])
        if name not in constants:
            values = onnx.numpy_helper.to_array(constants[bias[0]]) if bias else 0.0
            values = (values - np.array(shifts[kernel])).astype("float32")
            constants[name] = onnx.numpy_helper.from_array(values, name)
            proto.graph.initializer.append(constants[name])
        node.input[:] = [*node.input[:2], name]
    used = {name for node in proto.graph.node for name in node.input}
    kept = [tensor for tensor in proto.graph.initializer if tensor.name in used]
    del proto.graph.initializer[:]
    proto.graph.initializer.extend(kept)


def _convolution_nodes(graph):
    constants = {tensor.name for tensor in graph.initializer}
    return [node for node in graph.node if node.op_type == "Conv" and node.input[1] in constants]


def _activations(graph, operators):
    """Names of the tensors that go into or come out of the operators of some types."""
    constants = {tensor.name for tensor in graph.initializer}
    nodes = [node for node in graph.node if node.op_type in operators]
    names = dict.fromkeys(name for node in nodes for name in (*node.input, *node.output))
    return [name for name in names if name and name not in constants]


def _with_outputs(proto, names):
    """A copy of a graph that gives tensors out too."""
    import onnx

    copy = onnx.ModelProto()
    copy.CopyFrom(proto)
    there = {value.name for value in proto.graph.output}
    copy.graph.output.extend(
        onnx.helper.make_empty_tensor_value_info(name) for name in names if name not in there
    )
    return copy
