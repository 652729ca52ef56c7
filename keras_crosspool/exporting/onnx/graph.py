"""ONNX graphs: conversion from Keras, simplification, checks and what they hold."""

import collections
import copy
import re

from keras_crosspool.exporting.file_metadata import file_metadata
from keras_crosspool.exporting.onnx.conversion import from_tensorflow
from keras_crosspool.exporting.saved_model import INPUT_NAME, image_spec

_STANDARD_DOMAINS = ("", "ai.onnx")
_IMAGE_RANGE = (0.0, 255.0)


def convert(source, batch_size=1, opset=18):
    """Converts a model to a simplified ONNX graph.

    Args:
        source: `Source`.
        batch_size: int; `0` leaves it open. Defaults to `1`.
        opset: int. Defaults to `18`.

    Returns:
        `onnx.ModelProto` with the input `image` and the output `logits` or `descriptor`, and the
        further outputs of the source; the caller's own.

    Raises:
        ValueError: if tf2onnx does not write that operator set or an operator of the model.
    """
    import onnx

    key = ("onnx", batch_size, opset)
    own = onnx.ModelProto()
    own.CopyFrom(source.once(key, lambda: _convert(source, batch_size, opset)))
    return own


def _convert(source, batch_size, opset):
    import onnxslim
    import tensorflow as tf

    model = source.model
    spec = image_spec(model, batch_size)
    proto = from_tensorflow(
        lambda image: model(image, training=False),
        tf.TensorSpec(spec.shape, spec.dtype, name=INPUT_NAME),
        opset,
    )
    _rename_outputs(proto.graph, (source.output_name, *source.further_outputs))
    slim = onnxslim.slim(proto)
    _name_stably(slim.graph)
    return slim


def add_metadata(proto, source):
    """Writes what the model is, tells apart and takes into the file itself.

    Args:
        proto: `onnx.ModelProto`, changed in place.
        source: `Source`.
    """
    import onnx

    onnx.helper.set_model_props(proto, file_metadata(source))


def state_oldest_versions(proto):
    """States the oldest versions that hold the graph, so that older runtimes open it too.

    Converters write the newest version of the format that they know, and operator sets of which
    no operator is used.

    Args:
        proto: `onnx.ModelProto`, changed in place.
    """
    import onnx

    used = {node.domain for node in proto.graph.node}
    needed = [each for each in proto.opset_import if each.domain in used]
    del proto.opset_import[:]
    proto.opset_import.extend(needed)
    proto.ir_version = onnx.helper.find_min_ir_version_for(needed)


def check(proto):
    """Refuses a graph that is no valid ONNX or uses operators outside the standard.

    Args:
        proto: `onnx.ModelProto`.

    Raises:
        ValueError: if it is either.
    """
    import onnx

    domains = {node.domain for node in proto.graph.node} - set(_STANDARD_DOMAINS)
    if domains:
        raise ValueError(
            "The graph uses operators outside the ONNX standard, so not every runtime can run it. "
            f"Received: operators of {', '.join(sorted(domains))}"
        )
    try:
        onnx.checker.check_model(proto, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise ValueError(f"The graph is no valid ONNX model. Received: {error}") from error


def head_nodes(graph):
    """The nodes after the last convolution: the pooled head, which needs float32.

    Args:
        graph: `onnx.GraphProto` in topological order.

    Returns:
        list of `onnx.NodeProto`.
    """
    feeding, head = set(), []
    for node in reversed(graph.node):
        if node.op_type == "Conv" or feeding & set(node.output):
            feeding |= set(node.input)
        else:
            head.insert(0, node)
    return head


def batch_size(proto):
    """The batch that a graph takes; `0` if it is open."""
    return proto.graph.input[0].type.tensor_type.shape.dim[0].dim_value


def list_operators(proto):
    """Counts the operators of a graph: dict, operator to count, most frequent first."""
    return dict(collections.Counter(node.op_type for node in proto.graph.node).most_common())


def list_tensors(proto):
    """Lists the inputs and outputs of a graph.

    Args:
        proto: `onnx.ModelProto`.

    Returns:
        Pair of tuples of dicts with `name`, `shape`, `dtype` and `range`.
    """
    return (
        tuple(_tensor_info(value, _IMAGE_RANGE) for value in proto.graph.input),
        tuple(_tensor_info(value, None) for value in proto.graph.output),
    )


def _tensor_info(value, value_range):
    import onnx

    tensor = value.type.tensor_type
    return {
        "name": value.name,
        "shape": [size.dim_value or None for size in tensor.shape.dim],
        "dtype": onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type).name,
        "range": value_range,
    }


def _rename_outputs(graph, names):
    new = {output.name: name for output, name in zip(graph.output, names, strict=True)}
    for node in graph.node:
        for tensors in (node.input, node.output):
            tensors[:] = [new.get(tensor, tensor) for tensor in tensors]
    for output in graph.output:
        output.name = new[output.name]


def _name_stably(graph):
    """Names each node by its layer and its operator, so that two conversions agree.

    TensorFlow merges equal nodes and keeps the name of either, and tf2onnx adds running numbers.
    Nodes are gone through from the outputs on, in the order in which they are needed; a constant is
    called after the first node that uses it, since equal constants of several nodes are one.
    """
    constants = {tensor.name for tensor in graph.initializer}
    names = {value.name: value.name for value in (*graph.input, *graph.output)}
    taken = collections.Counter()

    def unique(name):
        base = re.sub(r"__\d+", "", name)
        taken[base] += 1
        return base if taken[base] == 1 else f"{base}_{taken[base]}"

    for node in _from_the_outputs(graph):
        layer = node.name.rpartition("/")[0]
        node.name = unique(f"{layer}/{node.op_type}" if layer else node.op_type)
        for i, name in enumerate(node.input):
            if name in constants and name not in names:
                names[name] = unique(f"{node.name}/constant_{i}")
        for i, name in enumerate(node.output):
            if name not in names:
                names[name] = f"{node.name}:{i}"
    for node in graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]
    for tensor in graph.initializer:
        tensor.name = names.get(tensor.name, tensor.name)
    del graph.value_info[:]
    _sort(graph)


def _sort(graph):
    """Puts each node right behind those it gets its inputs from, in the order of the inputs."""
    producers = {name: node for node in graph.node for name in node.output}
    order, seen = [], set()
    waiting = [(output.name, False) for output in reversed(graph.output)]
    while waiting:
        name, ready = waiting.pop()
        node = producers.get(name)
        if ready:
            order.append(node)
        elif node is not None and node.name not in seen:
            seen.add(node.name)
            waiting.append((name, True))
            waiting += [(source, False) for source in reversed(node.input)]
    nodes = [copy.deepcopy(node) for node in order]
    del graph.node[:]
    graph.node.extend(nodes)


def _from_the_outputs(graph):
    producers = {name: node for node in graph.node for name in node.output}
    waiting, order, seen = [output.name for output in reversed(graph.output)], [], set()
    while waiting:
        node = producers.get(waiting.pop())
        if node is not None and id(node) not in seen:
            seen.add(id(node))
            order.append(node)
            waiting += reversed(node.input)
    return order
