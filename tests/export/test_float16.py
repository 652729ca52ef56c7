"""Float16 arithmetic: the emulation against NumPy, and a gate that refuses what it would lose."""

import dataclasses

import keras
import numpy as np
import onnx
import pytest
from keras import ops

from keras_crosspool import CrossLayerPooling, SignedSquareRoot
from keras_crosspool.exporting.float16.float16_runner import flush, to_float16
from keras_crosspool.exporting.float16.value_ranges import ValueRanges
from keras_crosspool.exporting.onnx import graph as onnx_graph
from keras_crosspool.exporting.onnx.exporter import export_onnx
from keras_crosspool.exporting.onnx.float16_runner import OnnxFloat16Runner
from keras_crosspool.exporting.parity import Comparator, ParityError
from keras_crosspool.exporting.source import make_source
from keras_crosspool.exporting.tensorrt.exporter import export_tensorrt
from keras_crosspool.exporting.tflite.exporter import convert, export_tflite
from keras_crosspool.exporting.tflite.float16_runner import TFLiteFloat16Runner

_PRECISIONS = [
    *(("tflite", precision, ".tflite") for precision in ("float32", "float16", "dynamic", "int8")),
    *(("onnx", precision, ".onnx") for precision in ("float32", "float16", "int8")),
    ("tensorrt", "float16", ".engine"),
]


def test_rounding():
    """By the definition: 11 significant bits, none below 2**-14, infinity from 65520 on."""
    rng = np.random.default_rng(0)
    values = (rng.normal(size=4000) * 2.0 ** rng.integers(-20, 20, 4000)).astype("float32")
    exponent = np.floor(np.log2(np.abs(values.astype("float64"))))
    step = 2.0 ** (exponent - 10)
    expected = np.rint(values / step) * step
    expected[np.abs(expected) > 65504] = np.copysign(np.inf, values)[np.abs(expected) > 65504]
    normal = np.abs(expected) >= 2**-14
    np.testing.assert_array_equal(to_float16(values)[normal], expected[normal])
    np.testing.assert_array_equal(flush(to_float16(values)), np.where(normal, expected, 0))
    integers = np.arange(100000)
    assert flush(to_float16(integers)) is integers
    assert integers[-1] == 99999


def test_ranges_name_who_comes_closest():
    ranges = ValueRanges()
    assert ranges.to_dict() == {}
    ranges.add("first", np.array([[1e-3, -7.0, 0.0, np.nan]]))
    ranges.add("first", np.array([-9.0]))
    ranges.add("second", np.array([1e-9, -3e-8]))
    ranges.add("third", np.array([7e4, np.inf, 65504.0]))
    ranges.add("whole numbers", np.array([10**6]))
    assert ranges.to_dict() == {
        "largest": {"value": 7e4, "operator": "third"},
        "smallest": {"value": 1e-9, "operator": "second"},
        "faintest": {"value": 3e-8, "operator": "second"},
        "overflowed": 1,
    }


def _run_in_float16(model, metadata, batch):
    """The output of a Keras model under both emulations, and what they measured."""
    source = make_source(model, metadata)
    graph = onnx_graph.convert(source).SerializeToString()
    results = []
    for runner in (OnnxFloat16Runner(graph), TFLiteFloat16Runner(convert(source))):
        with runner:
            results.append((runner.run(batch), runner))
    return results


def test_each_operator_is_rounded(metadata):
    """A chain of known operators, against NumPy's float16 one by one."""
    rng = np.random.default_rng(0)
    kernel, bias = rng.normal(size=(3, 5)).astype("float32"), rng.normal(size=5).astype("float32")
    image = keras.Input((2, 2, 3), name="image")
    x = ops.abs(image * 0.37)
    x = ops.mean(x, axis=(1, 2))
    x = keras.layers.Dense(5, name="dense")(x)
    model = keras.Model(image, ops.square(x))
    model.get_layer("dense").set_weights([kernel, bias])
    batch = rng.uniform(-4, 4, (3, 2, 2, 3)).astype("float32")

    def half(values):
        return values.astype("float16").astype("float32")

    x = np.abs(half(half(batch) * half(np.float32(0.37))))
    x = half(x.mean(axis=(1, 2)))
    x = half(half(x @ half(kernel)) + half(bias))
    for found, runner in _run_in_float16(model, metadata, batch):
        # Whether the product and the bias are one operator is the converter's choice.
        np.testing.assert_allclose(found, half(x**2), rtol=2.5e-3, atol=1e-4)
        assert not np.array_equal(found, ops.convert_to_numpy(model(batch)))
        np.testing.assert_array_equal(found, flush(to_float16(found)))
        assert runner.computed.to_dict()["overflowed"] == 0


@pytest.mark.parametrize(("block", "root"), [(False, True), (True, True), (False, False)])
def test_the_head_of_maps_of_any_magnitude(metadata, pool_by_loops, block, root):
    image = keras.Input((5, 5, 40), name="image")
    pooling = CrossLayerPooling(block, root)
    model = keras.Model(image, pooling([image[..., :16], image[..., 16:]]))
    rng = np.random.default_rng(0)
    maps = rng.normal(size=(1, 5, 5, 40)).astype("float32")
    maps[..., 16:] = np.maximum(maps[..., 16:], 0)
    dead = 4
    maps[..., 16 + dead] = 0
    scales = np.array([1e-2, 1.0, 1e2, 1e4], "float32")
    batch = np.concatenate([0 * maps, *(scale * maps for scale in scales)])
    features, guidance = maps[..., :16], np.delete(maps[..., 16:], dead, axis=3)
    expected = pool_by_loops(features, guidance, block, root)
    expected = np.insert(expected.reshape(23, 16), dead, 0, axis=0).reshape(1, 384)
    for found, runner in _run_in_float16(model, metadata, batch):
        assert not found[0].any()
        errors = np.linalg.norm(found[1:] - expected, axis=1)
        assert errors.max() < 5e-3
        assert runner.computed.to_dict()["overflowed"] == 0


def test_the_head_of_averages(metadata):
    image = keras.Input((5, 5, 40), name="image")
    x = keras.layers.GlobalAveragePooling2D()(image)
    model = keras.Model(image, SignedSquareRoot(l2_normalization=True)(x))
    maps = np.random.default_rng(0).normal(size=(1, 5, 5, 40)).astype("float32")
    batch = np.concatenate([0 * maps, 1e-2 * maps, maps, 1e3 * maps])
    # What is left of the map and of its averages when they are rounded to float16.
    average = batch[1:].astype("float16").astype("float64").mean(axis=(1, 2))
    average[np.abs(average) < 2**-14] = 0
    expected = np.sign(average) * np.sqrt(np.abs(average) / np.abs(average).sum(1, keepdims=True))
    for found, _ in _run_in_float16(model, metadata, batch):
        assert not found[0].any()
        assert np.linalg.norm(found[1:] - expected, axis=1).max() < 5e-3


@pytest.mark.parametrize(("name", "precision", "suffix"), _PRECISIONS)
def test_each_precision_is_proven_in_float16(exported, name, precision, suffix):
    parity = exported(name, precision, suffix)[1].parity
    float16 = parity["float16_arithmetic"]
    assert float16["status"] == "passed"
    assert float16["compared"] == 8
    assert float16["runtime"].startswith("float16 arithmetic on")
    wider = precision in ("dynamic", "int8")
    assert float16["tolerance"]["max_abs"] == parity["tolerance"]["max_abs"] if wider else 0.02
    ranges = float16["ranges"]
    least, most = ranges["limits"]
    assert (least, most) == (2**-14, 65504)
    for found in (ranges["computed"], ranges["constants"]):
        assert found["overflowed"] == 0
        assert found["smallest"]["value"] <= found["faintest"]["value"] <= found["largest"]["value"]
        assert found["faintest"]["value"] >= least
        assert found["largest"]["value"] < most / 50


@keras.saving.register_keras_serializable(package="tests")
class _OlderPooling(keras.layers.Layer):
    """The formula of version 0.1, which is right in float32."""

    def call(self, inputs):
        features, guidance = (ops.reshape(x, (-1, 14 * 14, x.shape[-1])) for x in inputs)
        sums = ops.matmul(ops.transpose(guidance, (0, 2, 1)), 100 * features)
        magnitude = ops.abs(sums)
        total = ops.sum(magnitude, axis=(1, 2), keepdims=True)
        scaled = sums * ops.rsqrt(magnitude * total + 1e-7)
        return ops.reshape(scaled, (-1, sums.shape[1] * sums.shape[2]))


@pytest.fixture(scope="module")
def older(small_source):
    """The small model with the older pooling, and its comparator."""
    model = small_source.model
    x = _OlderPooling(name="pooling")(model.get_layer("pooling").input)
    logits = keras.layers.Dense(16, name="logits")
    model = keras.Model(model.input, logits(x), name="older")
    logits.set_weights(small_source.model.get_layer("logits").get_weights()[:2])
    return dataclasses.replace(small_source, model=model, original=model)


@pytest.mark.parametrize(
    ("export", "name", "precision"),
    [
        (export_tflite, "x.tflite", "float32"),
        (export_tflite, "x.tflite", "int8"),
        (export_onnx, "x.onnx", "float32"),
        (export_onnx, "x.onnx", "float16"),
        (export_tensorrt, "x.engine", "float32"),
    ],
)
def test_what_float16_cannot_hold_is_refused(
    older, small_comparator, empty_after, tried, export, name, precision
):
    comparator = Comparator(small_comparator.images, older.model)
    with empty_after() as directory, pytest.raises(ParityError) as error:
        export(older, directory / name, precision, comparator)
    message = str(error.value)
    assert "nothing was written: a GPU that computes in float16 would answer" in message
    assert "Float16 holds 6.1e-05 to 65504" in message
    assert "no value of" in message
    if (name, precision) == ("x.tflite", "float32"):
        tried("export", "a layer whose values float16 cannot hold", message.split(". ")[0])


def test_it_can_be_written_unproven(older, tmp_path):
    assert export_onnx(older, tmp_path / "x.onnx").parity == {"status": "off"}


def test_branches_are_named(small_source, tmp_path):
    proto = onnx_graph.convert(small_source)
    body = onnx.helper.make_graph([], "body", [], [])
    proto.graph.node.append(onnx.helper.make_node("If", ["x"], ["y"], then_branch=body))
    with (
        pytest.raises(ValueError, match=r"without loops and branches.*`parity=off`.*Received: If"),
        OnnxFloat16Runner(proto.SerializeToString()),
    ):
        pass
