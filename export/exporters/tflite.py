"""Keras to TFLite, by way of a SavedModel and TensorFlow's converter."""

import pathlib
import tempfile

from export import formats
from export.publish import Draft, publish
from export.saved_model import write_saved_model
from export.tflite_inspection import delegated_nodes, list_operators, list_tensors

_PACKAGES = ("tensorflow", "tensorflow_cpu", "ai_edge_litert")


def export_tflite(source, output, precision="float32", comparator=None, *, batch_size=1):
    """Writes a model as a TFLite file whose parity with Keras is proven.

    Args:
        source: `Source`.
        output: path of the `.tflite` file.
        precision: `"float32"` (the default), `"float16"` (weights in half precision, float32
            arithmetic) or `"dynamic"` (int8 weights, float activations).
        comparator: `Comparator`, or `None` (the default) to write it unproven.
        batch_size: int, pictures at once; `0` leaves it open. Defaults to `1`.

    Returns:
        `Artefact`.

    Raises:
        ValueError: if the model uses an operator that TFLite has not built in.
        ParityError: if the result is not the Keras model any more.
    """
    formats.get_format("tflite").check(precision)
    content = convert(source.model, precision, batch_size)
    operators = list_operators(content)
    inputs, outputs = list_tensors(content)
    draft = Draft(
        "tflite",
        precision,
        content,
        operators,
        inputs,
        outputs,
        _PACKAGES,
        {"delegated": delegated_nodes(content)},
    )
    return publish(draft, source, pathlib.Path(output), comparator)


def convert(model, precision="float32", batch_size=1):
    """Converts a Keras model with TensorFlow's converter.

    Args:
        model: `keras.Model` under float32.
        precision: `"float32"` (the default), `"float16"` or `"dynamic"`.
        batch_size: int; `0` leaves it open. Defaults to `1`.

    Returns:
        bytes of a TFLite file.

    Raises:
        ValueError: if an operator is not one of TFLite's own.
    """
    import tensorflow as tf
    from tensorflow.lite.python.convert_phase import ConverterError

    with tempfile.TemporaryDirectory() as directory:
        write_saved_model(model, directory, batch_size)
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
                "The model uses operators that TFLite has not built in; they would need the Flex "
                f"delegate, which this exporter refuses. Received: {_last_line(error)}"
            ) from error


def _last_line(error):
    return str(error).strip().splitlines()[-1]
