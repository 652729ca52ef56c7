"""Keras to ONNX, by way of tf2onnx, simplified and checked."""

import pathlib

from export import formats, onnx_graph
from export.publish import Draft, publish

_PACKAGES = ("tensorflow", "tensorflow_cpu", "onnx", "tf2onnx", "onnxslim", "onnxruntime")


def export_onnx(source, output, precision="float32", comparator=None, *, batch_size=1, opset=18):
    """Writes a model as an ONNX file whose parity with Keras is proven.

    Args:
        source: `Source`.
        output: path of the `.onnx` file.
        precision: `"float32"`, the default.
        comparator: `Comparator`, or `None` (the default) to write it unproven.
        batch_size: int, pictures at once; `0` leaves it open. Defaults to `1`.
        opset: int, operator set version. Defaults to `18`.

    Returns:
        `Artefact`.

    Raises:
        ValueError: if the model does not convert or the result is no valid ONNX.
        ParityError: if the result is not the Keras model any more.
    """
    formats.get_format("onnx").check(precision)
    proto = onnx_graph.convert(source.model, batch_size, opset)
    onnx_graph.add_metadata(proto, source)
    onnx_graph.check(proto)
    inputs, outputs = onnx_graph.list_tensors(proto)
    draft = Draft(
        "onnx",
        precision,
        proto.SerializeToString(),
        onnx_graph.list_operators(proto),
        inputs,
        outputs,
        _PACKAGES,
        {"opset": opset},
    )
    return publish(draft, source, pathlib.Path(output), comparator)
