"""The second-order layers in TFLite, ONNX and TensorRT files: one model that holds them all."""

import keras
import numpy as np
import pytest

from keras_crosspool.exporting.onnx import graph as onnx_graph
from keras_crosspool.exporting.onnx.runner import OnnxRunner
from keras_crosspool.exporting.source import make_source
from keras_crosspool.exporting.tensorrt.exporter import export_tensorrt
from keras_crosspool.exporting.tflite.exporter import convert
from keras_crosspool.exporting.tflite.inspection import list_operators
from keras_crosspool.exporting.tflite.runner import LiteRTRunner
from tests.second_order_layers import NAMES, channels_of, make_layer
from tests.small_models import flat_classifier

EXPORTED = [name for name in NAMES if "one map" not in name and "narrow" not in name]
each_batch = pytest.mark.parametrize("batch_size", [1, pytest.param(0, marks=pytest.mark.heavy)])


@pytest.fixture(scope="module")
def all_layers(metadata):
    """A source whose descriptor is that of every layer, and where each one's lies."""
    keras.utils.set_random_seed(0)
    image = keras.Input((32, 32, 3), name="image")
    maps = [
        keras.layers.Conv2D(n, 8, strides=6, activation=None if i != 1 else "relu")(
            keras.layers.Rescaling(1 / 128, offset=-1)(image)
        )
        for i, n in enumerate((4, 3, 2))
    ]
    by_channels = {x.shape[-1]: x for x in maps}
    parts = {
        name: make_layer(name)([by_channels[n] for n in channels_of(name)]) for name in EXPORTED
    }
    together = keras.layers.Concatenate()(list(parts.values()))
    model = flat_classifier(image, together, metadata.class_names)
    ends = np.cumsum([part.shape[-1] for part in parts.values()])
    slices = [
        slice(end - part.shape[-1], end) for end, part in zip(ends, parts.values(), strict=True)
    ]
    return make_source(model, metadata).embedder(), dict(zip(parts, slices, strict=True))


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3)).astype("uint8")


def _check(found, source, slices, images):
    expected = source.model.predict(images.astype("float32"), verbose=0)
    for name, part in slices.items():
        assert np.abs(expected[:, part]).max() > 1e-3, name
        np.testing.assert_allclose(
            found[:, part], expected[:, part], rtol=1e-3, atol=1e-4, err_msg=name
        )


@each_batch
def test_tflite_has_its_own_operators_alone(all_layers, images, batch_size):
    source, slices = all_layers
    content = convert(source, batch_size=batch_size)
    operators = list_operators(content)
    assert not any("Flex" in name or "CUSTOM" in name or "WHILE" in name for name in operators)
    with LiteRTRunner(content) as runner:
        _check(runner.run(images), source, slices, images)


@each_batch
def test_onnx(all_layers, images, batch_size):
    source, slices = all_layers
    proto = onnx_graph.convert(source, batch_size)
    onnx_graph.check(proto)
    # TensorRT has neither loops over these nor scattered sums.
    operators = onnx_graph.list_operators(proto)
    assert not any("Scatter" in name or name in ("Loop", "DFT") for name in operators)
    with OnnxRunner(proto.SerializeToString()) as runner:
        _check(runner.run(images), source, slices, images)


@pytest.mark.heavy
def test_tensorrt_engine_builds(all_layers, tmp_path):
    pytest.importorskip("tensorrt_rtx")
    source, _ = all_layers
    path = tmp_path / "model.engine"
    export_tensorrt(source, path, "float32", None)
    assert path.stat().st_size > 0
