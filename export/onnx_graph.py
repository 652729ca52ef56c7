"""ONNX graphs: conversion from Keras, simplification, checks and what they hold."""

import collections
import json
import logging

from export.saved_model import INPUT_NAME, OUTPUT_NAME, image_spec

_STANDARD_DOMAINS = ("", "ai.onnx")
_PICTURE_RANGE = (0.0, 255.0)


def convert(model, batch_size=1, opset=18):
    """Converts a Keras model to a simplified ONNX graph.

    Args:
        model: `keras.Model` under float32.
        batch_size: int; `0` leaves it open. Defaults to `1`.
        opset: int. Defaults to `18`.

    Returns:
        `onnx.ModelProto` with the input `image` and the output `logits`.

    Raises:
        ValueError: if tf2onnx does not write that operator set.
    """
    import onnxslim
    import tensorflow as tf
    import tf2onnx

    logging.getLogger("tf2onnx").setLevel(logging.WARNING)
    spec = image_spec(model, batch_size)
    proto, _ = tf2onnx.convert.from_function(
        tf.function(lambda image: model(image, training=False)),
        input_signature=[tf.TensorSpec(spec.shape, spec.dtype, name=INPUT_NAME)],
        opset=opset,
    )
    _rename_output(proto.graph, OUTPUT_NAME)
    return onnxslim.slim(proto)


def add_metadata(proto, source):
    """Writes the model's name, classes and preprocessing into the file itself.

    Args:
        proto: `onnx.ModelProto`, changed in place.
        source: `Source`.
    """
    import onnx

    entries = {
        "name": source.metadata.name,
        "class_names": json.dumps(source.metadata.class_names),
        "image_size": str(source.metadata.image_size),
        "preprocessing": source.metadata.preprocessing,
    }
    onnx.helper.set_model_props(proto, entries)


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


def list_operators(proto):
    """Counts the operators of a graph: dict, operator to count, most frequent first."""
    return dict(collections.Counter(node.op_type for node in proto.graph.node).most_common())


def list_tensors(proto):
    """Describes the inputs and outputs of a graph.

    Args:
        proto: `onnx.ModelProto`.

    Returns:
        Pair of tuples of dicts with `name`, `shape`, `dtype` and `range`.
    """
    return (
        tuple(_describe(value, _PICTURE_RANGE) for value in proto.graph.input),
        tuple(_describe(value, None) for value in proto.graph.output),
    )


def _describe(value, value_range):
    import onnx

    tensor = value.type.tensor_type
    return {
        "name": value.name,
        "shape": [size.dim_value or None for size in tensor.shape.dim],
        "dtype": onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type).name,
        "range": value_range,
    }


def _rename_output(graph, name):
    old = graph.output[0].name
    for node in graph.node:
        for names in (node.input, node.output):
            names[:] = [name if each == old else each for each in names]
    graph.output[0].name = name
