"""TFLite: every precision converted, run by LiteRT and held to the Keras model."""

import re

import keras
import numpy as np
import pytest

from keras_crosspool.exporting.artefact import read_artefact
from keras_crosspool.exporting.runners import LiteRTRunner
from keras_crosspool.exporting.source import make_source
from keras_crosspool.exporting.tflite.exporter import convert, export_tflite
from keras_crosspool.exporting.tflite.quantizer import TFLiteQuantizer

_PRECISIONS = ("float32", "float16", "dynamic", "int8")


@pytest.mark.parametrize("precision", _PRECISIONS)
def test_each_precision_is_proven(exported, precision):
    path, record = exported("tflite", precision, ".tflite")
    assert read_artefact(path) == type(record).from_json(record.to_json())
    assert record.parity["status"] == "passed"
    assert record.parity["images"] == 48
    assert record.inputs[0]["name"] == "image"
    assert record.inputs[0]["shape"] == [1, 128, 128, 3]
    assert record.outputs[0]["name"] == "probabilities"
    assert record.outputs[0]["shape"] == [1, 16]
    assert record.bytes == path.stat().st_size
    assert record.operators["BATCH_MATMUL"] == 1
    assert len(record.model["class_names"]) == 16
    assert {"keras", "ai_edge_litert"} <= set(record.versions)


def test_lower_precisions_are_smaller(exported):
    float32, float16, dynamic, int8 = (
        exported("tflite", precision, ".tflite")[1].bytes for precision in _PRECISIONS
    )
    assert float16 < 0.55 * float32
    assert dynamic < float32 / 3
    assert int8 < float32 / 3


def test_float32_is_exact(exported):
    parity = exported("tflite", "float32", ".tflite")[1].parity
    assert parity["cosine"]["worst"] > 0.99999


def test_the_delegate_takes_every_float_node(exported):
    delegated = exported("tflite", "float32", ".tflite")[1].details["delegated"]
    assert delegated["left"] == {}
    assert delegated["delegated"] == delegated["nodes"]
    assert delegated["nodes"] == sum(exported("tflite", "float32", ".tflite")[1].operators.values())


def test_int8_keeps_the_head_in_float(exported):
    left = exported("tflite", "int8", ".tflite")[1].details["float_operators"]
    assert {"BATCH_MATMUL", "RSQRT", "MEAN", "FULLY_CONNECTED"} <= set(left)
    assert not {"CONV_2D", "DEPTHWISE_CONV_2D"} & set(left)


def test_int8_weights_are_per_channel(exported):
    from ai_edge_litert.interpreter import Interpreter

    path, _ = exported("tflite", "int8", ".tflite")
    tensors = Interpreter(str(path)).get_tensor_details()
    kernels = [t for t in tensors if len(t["shape"]) == 4 and t["dtype"] == np.int8]
    scales = [len(t["quantization_parameters"]["scales"]) for t in kernels]
    assert max(scales) == 1280


def test_int8_stays_near(exported):
    """Without the shifts that rounding causes taken back, the median is 0.9928."""
    assert exported("tflite", "int8", ".tflite")[1].parity["cosine"]["median"] > 0.997


def test_int8_records_its_calibration(exported):
    details = exported("tflite", "int8", ".tflite")[1].details
    calibration = details["calibration"]
    assert (calibration["split"], calibration["images"]) == ("train", 128)
    assert calibration["images_shared_with_parity"] == 0
    assert calibration["ranges"]["serving_default_image:0"] == (0.0, 255.0)
    added = [cost["added_noise"] for cost in details["layer_costs"]]
    assert added == sorted(added, reverse=True)
    assert any("head_activation" in cost["layer"] for cost in details["layer_costs"])


def test_only_layers_in_int8_are_said_to_cost(small_source, small_comparator):
    """Differences near zero in the pooled head, which stays in float, look noisy and are not."""
    quantizer = TFLiteQuantizer(convert(small_source), small_source.float_layers())
    pixels = small_comparator.images.pixels
    quantizer.quantize(quantizer.calibrate(pixels))
    costs = quantizer.layer_costs(pixels[:4])
    parts = {part for cost in costs for part in re.split("[/_]", cost["layer"])}
    assert parts >= {"body", "deep"}
    assert not parts & {"pooling", "logits"}


def test_int8_border_carries_images_without_loss(exported, comparator):
    path, record = exported("tflite", "int8", ".tflite", int8_io=True)
    (image,), (scores,) = record.inputs, record.outputs
    assert (image["dtype"], scores["dtype"]) == ("int8", "int8")
    assert (image["scale"], image["zero_point"]) == (1.0, -128)
    with LiteRTRunner(path) as runner:
        found = runner.run(comparator.images.pixels[:4])
    steps = found / scores["scale"]
    np.testing.assert_allclose(steps, np.rint(steps), atol=1e-3)


@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_other_batches(small_source, small_comparator, tmp_path, precision):
    for batch_size, shape in ((0, None), (3, 3)):
        path = tmp_path / f"{batch_size}.tflite"
        record = export_tflite(
            small_source, path, precision, small_comparator, batch_size=batch_size
        )
        assert record.inputs[0]["shape"][0] == shape
        assert record.parity["batch_sizes"] == ((1, 16) if batch_size == 0 else (3,))


@keras.saving.register_keras_serializable(package="tests")
class _Inverse(keras.layers.Layer):
    def call(self, x):
        return keras.ops.linalg.inv(x)


def test_flex_operators_are_refused(metadata, empty_after):
    image = keras.Input((128, 128, 3))
    x = keras.layers.Conv2D(4, 8, strides=64)(image)
    x = keras.layers.Flatten()(_Inverse()(keras.layers.Reshape((4, 4))(x)))
    model = keras.Model(image, keras.layers.Dense(16, name="logits")(x))
    with empty_after() as directory, pytest.raises(ValueError, match=r"Flex.*MatrixInverse"):
        export_tflite(make_source(model, metadata), directory / "x.tflite")


def test_conversion_is_reproducible(small_source):
    first, second = (make_source(small_source.model, small_source.metadata) for _ in range(2))
    assert convert(first) == convert(second)
