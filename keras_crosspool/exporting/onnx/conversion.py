"""The step from TensorFlow to ONNX by tf2onnx, and what tf2onnx does not know by itself."""

import contextlib
import gc
import logging
import threading

import numpy as np


def from_tensorflow(function, spec, opset):
    """Converts a function of one tensor.

    Args:
        function: function of a tensor, traced anew.
        spec: `tf.TensorSpec` of the tensor.
        opset: int, operator set version.

    Returns:
        `onnx.ModelProto`.

    Raises:
        ValueError: if the graph has operators that tf2onnx does not write.
    """
    import onnx
    import tensorflow as tf
    import tf2onnx

    logging.getLogger("tf2onnx").setLevel(logging.WARNING)
    traced = tf.function(function)
    with _functions_inlined():
        graph = traced.get_concrete_function(spec).graph  # tf2onnx asks for it again
    with collecting_garbage():
        proto, _ = tf2onnx.convert.from_function(
            traced,
            input_signature=[spec],
            opset=opset,
            custom_op_handlers={"Erfc": (_write_erfc, [])},
        )
    _embed_constants(proto.graph, graph)
    # tf2onnx logs them and keeps them as they are.
    unknown = {node.op_type for node in proto.graph.node if not onnx.defs.has(node.op_type)}
    if unknown:
        raise ValueError(
            "The model uses operators of TensorFlow that tf2onnx does not write as ONNX. "
            f"Received: {', '.join(sorted(unknown))}"
        )
    return proto


@contextlib.contextmanager
def collecting_garbage(seconds=1.0):
    """Collects garbage in cycles while something makes few but large objects.

    Each step of tf2onnx copies the graph with its weights. Python counts objects, not bytes, and
    would keep dozens of such copies.

    Args:
        seconds: float, from one collection to the next. Defaults to `1.0`.
    """
    ended = threading.Event()

    def collect():
        while not ended.wait(seconds):
            gc.collect()

    thread = threading.Thread(target=collect, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@contextlib.contextmanager
def _functions_inlined():
    """Traces what Keras would compile in a function of its own, such as grouped convolutions.

    tf2onnx keeps a call of such a function, which is no operator of ONNX.
    """
    import tensorflow as tf

    before = tf.config.functions_run_eagerly()
    tf.config.run_functions_eagerly(True)
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(before)


def _embed_constants(graph, traced):
    """Makes constants of inputs that are constants of the traced graph.

    Such as the mean of a `Normalization`, which tf2onnx takes for a second input.
    """
    import onnx
    import tensorflow as tf

    for value in list(graph.input):
        operation = traced.get_operation_by_name(value.name.partition(":")[0])
        if operation.type == "Const":
            constant = tf.make_ndarray(operation.get_attr("value"))
            graph.initializer.append(onnx.numpy_helper.from_array(constant, value.name))
            graph.input.remove(value)


def _write_erfc(context, node, name, _):
    """Writes TensorFlow's Erfc, of which GELU is made, as 1 - Erf."""
    (output,) = node.output
    kind = {"dtypes": [context.get_dtype(output)], "shapes": [context.get_shape(output)]}
    context.remove_node(node.name)
    erf = context.make_node("Erf", [node.input[0]], name=f"{name}/Erf", **kind)
    one = context.make_const(f"{name}/one", np.array(1, "float32"))
    inputs = [one.output[0], erf.output[0]]
    context.make_node("Sub", inputs, outputs=[output], name=name, **kind)
