"""Keras to ONNX, by way of tf2onnx, simplified and checked."""

import pathlib

from keras_crosspool.exporting import formats
from keras_crosspool.exporting.calibration import calibrate
from keras_crosspool.exporting.images import full_batches
from keras_crosspool.exporting.onnx import graph as onnx_graph
from keras_crosspool.exporting.onnx.half_storage import to_float16, weights_to_float16
from keras_crosspool.exporting.onnx.inspection import runtime_operators
from keras_crosspool.exporting.onnx.quantizer import OnnxQuantizer
from keras_crosspool.exporting.onnx.recipe import ONNX_RUNTIME
from keras_crosspool.exporting.publish import Draft, publish
from keras_crosspool.exporting.speed import gate_speed
from keras_crosspool.exporting.triton import check_repository, write_repository

_INT8_OPSET = 13  # the first whose scales have an axis
PACKAGES = ("tensorflow", "tensorflow_cpu", "onnx", "tf2onnx", "onnxslim", "onnxruntime")


def export_onnx(
    source,
    output,
    precision="float32",
    comparator=None,
    *,
    batch_size=1,
    opset=18,
    triton=False,
    weights_only=False,
    allow_slower=False,
    **calibration,
):
    """Writes a model as an ONNX file whose parity with Keras is proven.

    Args:
        source: `Source`.
        output: path of the `.onnx` file.
        precision: `"float32"` (the default), `"float16"` (the head computes in float32) or
            `"int8"` (explicit Q/DQ pairs around convolutions, as ONNX Runtime wants them).
        comparator: `Comparator`, or `None` (the default) to write it unproven.
        batch_size: int, images at once; `0` leaves it open. Defaults to `1`.
        opset: int, operator set version. Defaults to `18`.
        triton: bool, whether a model repository for Triton is written beside it. Defaults to
            `False`.
        weights_only: bool, for `"float16"`, whether the weights alone are float16 and all of it
            computes in float32. Defaults to `False`.
        allow_slower: bool, whether int8 may be slower than float32 here. Defaults to `False`.
        **calibration: for `"int8"`, see `keras_crosspool.exporting.calibration.calibrate`.

    Returns:
        `Artefact`.

    Raises:
        ValueError: if an argument does not apply to the precision, the model does not convert, the
            result is no valid ONNX, or the calibration images are not as expected.
        ParityError: if the result is not the Keras model any more.
        SlowerError: if int8 is slower than float32 and that is not allowed.
    """
    formats.get_format("onnx").check_arguments(
        precision,
        batch_size=batch_size,
        opset=opset,
        triton=triton,
        weights_only=weights_only,
        allow_slower=allow_slower,
        **calibration,
    )
    output = pathlib.Path(output)
    if triton:
        check_repository(output)
    proto, details = make_graph(
        source,
        precision,
        comparator,
        batch_size,
        opset,
        ONNX_RUNTIME,
        calibration,
        weights_only,
    )
    content = proto.SerializeToString()
    details["runtime_operators"] = runtime_operators(proto)
    if precision == "int8" and comparator:
        details["speed"] = _gate(source, content, comparator, batch_size, opset, allow_slower)
    inputs, outputs = onnx_graph.list_tensors(proto)
    draft = Draft(
        "onnx",
        precision,
        content,
        onnx_graph.list_operators(proto),
        inputs,
        outputs,
        PACKAGES,
        details,
    )
    artefact = publish(draft, source, output, comparator)
    if triton:
        write_repository(output, artefact)
    return artefact


def make_graph(
    source, precision, comparator, batch_size, opset, recipe, calibration, weights_only=False
):
    """Converts a model to a checked ONNX graph of a precision.

    Args:
        source: `Source`.
        precision: str.
        comparator: `Comparator` of the export, or `None`.
        batch_size: int; `0` leaves it open.
        opset: int.
        recipe: `Recipe` of the runtime that int8 is for.
        calibration: dict, options of `keras_crosspool.exporting.calibration.calibrate`.
        weights_only: bool, whether float16 is that of the weights alone. Defaults to `False`.

    Returns:
        `onnx.ModelProto` and a dict, what its record holds: opset and calibration.
    """
    if precision == "int8" and opset < _INT8_OPSET:
        raise ValueError(
            f"`opset` must be at least {_INT8_OPSET} for int8, whose scales are those of channels. "
            f"Received: {opset}"
        )
    proto = onnx_graph.convert(source, batch_size, opset)
    details = {"opset": opset}
    if precision == "float16":
        proto = weights_to_float16(proto) if weights_only else to_float16(proto)
        details["computes_in"] = "float32" if weights_only else "float16, the head in float32"
    if precision == "int8":
        quantizer = OnnxQuantizer(proto, recipe)
        measured = calibrate(source, quantizer.method, quantizer.calibrate, **calibration)
        details["calibration"] = measured.to_dict(comparator)
        proto = quantizer.quantize(measured.statistics)
    onnx_graph.add_metadata(proto, source)
    onnx_graph.state_oldest_versions(proto)
    onnx_graph.check(proto)
    return proto, details


def _gate(source, content, comparator, batch_size, opset, allow_slower):
    """The speed of an int8 file as plain data; see `keras_crosspool.exporting.speed`."""
    reference = onnx_graph.convert(source, batch_size, opset).SerializeToString()
    batch = next(full_batches(comparator.images.pixels, batch_size or 1))
    row = formats.get_format("onnx")
    return gate_speed(row, content, reference, batch, allow_slower).to_dict()
