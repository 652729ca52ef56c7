"""Keras to ONNX, by way of tf2onnx, simplified and checked."""

import pathlib

from export import formats, onnx_graph
from export.calibration import calibrate
from export.publish import Draft, publish

PACKAGES = ("tensorflow", "tensorflow_cpu", "onnx", "tf2onnx", "onnxslim", "onnxruntime")


def export_onnx(
    source,
    output,
    precision="float32",
    comparator=None,
    *,
    batch_size=1,
    opset=18,
    **calibration,
):
    """Writes a model as an ONNX file whose parity with Keras is proven.

    Args:
        source: `Source`.
        output: path of the `.onnx` file.
        precision: `"float32"` (the default), `"float16"` (the head computes in float32) or
            `"int8"` (explicit Q/DQ pairs around convolutions and the classifier).
        comparator: `Comparator`, or `None` (the default) to write it unproven.
        batch_size: int, pictures at once; `0` leaves it open. Defaults to `1`.
        opset: int, operator set version. Defaults to `18`.
        **calibration: for `"int8"`, see `export.calibration.calibrate`.

    Returns:
        `Artefact`.

    Raises:
        ValueError: if the model does not convert, the result is no valid ONNX, or the calibration
            pictures are not as expected.
        ParityError: if the result is not the Keras model any more.
    """
    formats.get_format("onnx").check(precision)
    proto, details = make_graph(source, precision, comparator, batch_size, opset, calibration)
    inputs, outputs = onnx_graph.list_tensors(proto)
    draft = Draft(
        "onnx",
        precision,
        proto.SerializeToString(),
        onnx_graph.list_operators(proto),
        inputs,
        outputs,
        PACKAGES,
        details,
    )
    return publish(draft, source, pathlib.Path(output), comparator)


def make_graph(source, precision, comparator, batch_size, opset, calibration):
    """Converts a model to a checked ONNX graph of a precision.

    Args:
        source: `Source`.
        precision: str.
        comparator: `Comparator` of the export, or `None`.
        batch_size: int; `0` leaves it open.
        opset: int.
        calibration: dict, options of `export.calibration.calibrate`.

    Returns:
        `onnx.ModelProto` and a dict, what its record holds: opset and calibration.
    """
    from export import onnx_quantizer

    proto = onnx_graph.convert(source, batch_size, opset)
    details = {"opset": opset}
    if precision == "float16":
        proto = onnx_quantizer.to_float16(proto)
    if precision == "int8":
        measured = calibrate(
            source,
            onnx_quantizer.method(),
            lambda pixels: onnx_quantizer.measure_ranges(proto, pixels),
            **calibration,
        )
        details["calibration"] = measured.describe(comparator)
        proto = onnx_quantizer.to_int8(proto, measured.ranges)
    onnx_graph.add_metadata(proto, source)
    onnx_graph.check(proto)
    return proto, details
