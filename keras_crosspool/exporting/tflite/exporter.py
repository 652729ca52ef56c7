"""Keras to TFLite, by way of a SavedModel and TensorFlow's converter."""

import pathlib
import re

from keras_crosspool.exporting import formats
from keras_crosspool.exporting.calibration import calibrate
from keras_crosspool.exporting.images import full_batches
from keras_crosspool.exporting.output_names import PROBABILITIES
from keras_crosspool.exporting.probabilities import check_probabilities, check_scores
from keras_crosspool.exporting.publish import Draft, publish
from keras_crosspool.exporting.saved_model import saved_model
from keras_crosspool.exporting.speed import gate_speed
from keras_crosspool.exporting.tflite import borders
from keras_crosspool.exporting.tflite.container import minimum_runtime
from keras_crosspool.exporting.tflite.inspection import (
    delegated_nodes,
    gpu_delegate,
    list_float_operators,
    list_operators,
    list_tensors,
)
from keras_crosspool.exporting.tflite.metadata import with_metadata
from keras_crosspool.exporting.tflite.runner import LiteRTRunner

_PACKAGES = ("tensorflow", "tensorflow_cpu", "ai_edge_litert", "litert_quantizer")
_COST_IMAGES = 4
_COSTLIEST = 5


def export_tflite(
    source,
    output,
    precision="float32",
    comparator=None,
    *,
    batch_size=1,
    scores="probabilities",
    input="float32",
    int8_io=False,
    allow_slower=False,
    **calibration,
):
    """Writes a model as a TFLite file whose parity with Keras is proven.

    The file holds the metadata that MediaPipe and ML Kit ask for: normalisation, class names and
    the score from which on an image is one of the classes.

    Args:
        source: `Source`.
        output: path of the `.tflite` file.
        precision: `"float32"` (the default), `"float16"` (weights in half precision, float32
            arithmetic), `"dynamic"` (int8 weights, float activations) or `"int8"` (convolutions
            in int8, the head in float).
        comparator: `Comparator`, or `None` (the default) to write it unproven.
        batch_size: int, images at once; `0` leaves it open. Defaults to `1`.
        scores: `"probabilities"` (the default; softmax or sigmoid in the file) or `"logits"`.
        input: `"float32"` (the default) or `"uint8"`, a camera's bytes as they are.
        int8_io: bool, whether int8 comes in and goes out too. Defaults to `False`.
        allow_slower: bool, whether int8 may be slower than float32 here. Defaults to `False`.
        **calibration: for `"int8"`, see `keras_crosspool.exporting.calibration.calibrate`.

    Returns:
        `Artefact`.

    Raises:
        ValueError: if the model uses an operator that TFLite lacks, the calibration images are
            not as expected, or arguments do not apply to the precision or exclude each other.
        ParityError: if the result is not the Keras model any more.
        SlowerError: if int8 is slower than float32 and that is not allowed.
    """
    formats.get_format("tflite").check_arguments(
        precision,
        batch_size=batch_size,
        scores=scores,
        input=input,
        int8_io=int8_io,
        allow_slower=allow_slower,
        **calibration,
    )
    if int8_io and input != "float32":
        raise ValueError(
            f"`int8_io` takes int8 images: leave `input` out. Received: `input={input}`"
        )
    check_scores(source, scores)
    if precision == "int8":
        content, details = _to_int8(
            source, comparator, batch_size, int8_io, allow_slower, calibration
        )
    else:
        content, details = convert(source, precision, batch_size), {}
    finished = _with_borders(content, source, scores, input)
    inputs, outputs = list_tensors(finished)
    details = {
        "min_runtime_version": minimum_runtime(finished),
        **details,
        "delegated": delegated_nodes(finished),
        "gpu_delegate": gpu_delegate(finished),
    }
    if comparator and outputs[0]["name"] == PROBABILITIES:
        details["probabilities"] = _check_probabilities(finished, source, comparator)
    draft = Draft(
        "tflite",
        precision,
        finished,
        list_operators(finished),
        inputs,
        outputs,
        _PACKAGES,
        details,
        hint=_costliest_layers(details),
        make_runner=_logits_runner,
        graph=content,
    )
    return publish(draft, source, pathlib.Path(output), comparator)


def _with_borders(content, source, scores, input):
    """The file with what comes in and goes out as asked, and its metadata."""
    if scores == PROBABILITIES and not source.is_embedder:
        content = borders.with_probabilities(content, source.metadata.task)
    if input == "uint8":
        content = borders.with_byte_input(content)
    return with_metadata(content, source)


def _logits_runner(path, _):
    """Runs the finished file up to its logits, which softmax would hide from the comparison."""
    return LiteRTRunner(borders.without_probabilities(path.read_bytes()))


def _check_probabilities(content, source, comparator):
    """Compares the probabilities of the finished file with those of its logits."""
    up_to_the_logits = borders.without_probabilities(content)
    with LiteRTRunner(content) as whole, LiteRTRunner(up_to_the_logits) as cut:
        return check_probabilities(whole, cut, source.metadata.task, comparator)


def _to_int8(source, comparator, batch_size, int8_io, allow_slower, options):
    """The int8 file and what its record holds: calibration, what stayed float, costs, speed."""
    from keras_crosspool.exporting.tflite.quantizer import TFLiteQuantizer

    content = convert(source, "float32", batch_size)
    quantizer = TFLiteQuantizer(content, source.float_layers(), int8_io, batch_size)
    calibration = calibrate(source, quantizer.method, quantizer.calibrate, **options)
    quantized = quantizer.quantize(calibration.statistics)
    pixels = calibration.images.pixels
    details = {
        "float_operators": list_float_operators(quantized),
        "layer_costs": quantizer.layer_costs(pixels[:_COST_IMAGES]),
        "calibration": calibration.to_dict(comparator),
    }
    if comparator:
        batch = next(full_batches(pixels, batch_size or 1))
        row = formats.get_format("tflite")
        speed = gate_speed(row, quantized, content, batch, allow_slower)
        details["speed"] = speed.to_dict()
    return quantized, details


def _costliest_layers(details):
    costs = details.get("layer_costs", ())[:_COSTLIEST]
    named = ", ".join(f"{cost['layer']} ({cost['added_noise']:.1%})" for cost in costs)
    return f" Most noise was added by {named} of the signal." if named else ""


def convert(source, precision="float32", batch_size=1):
    """Converts a model with TensorFlow's converter.

    Args:
        source: `Source`.
        precision: `"float32"` (the default), `"float16"` or `"dynamic"`.
        batch_size: int; `0` leaves it open. Defaults to `1`.

    Returns:
        bytes of a TFLite file.

    Raises:
        ValueError: if an operator is not one of TFLite's own.
    """
    key = ("tflite", precision, batch_size)
    return source.once(key, lambda: _convert(saved_model(source, batch_size), precision))


def _convert(directory, precision):
    import tensorflow as tf
    from tensorflow.lite.python.convert_phase import ConverterError

    converter = tf.lite.TFLiteConverter.from_saved_model(directory)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    if precision != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if precision == "float16":
        converter.target_spec.supported_types = [tf.float16]
    try:
        return converter.convert()
    except ConverterError as error:
        raise ValueError(
            "The model uses operators that TFLite lacks; they would need the Flex "
            f"delegate, which this exporter refuses. Received: {_unsupported(error)}"
        ) from error


def _unsupported(error):
    """The operators that the converter's message names, or else the message's first line."""
    text = str(error)
    operators = sorted(set(re.findall(r"'tf\.(\w+)' op is neither", text)))
    return ", ".join(operators) or text.strip().splitlines()[0]
