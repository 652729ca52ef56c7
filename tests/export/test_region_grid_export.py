"""Models with a region grid go through every exporter like any other."""

import keras
import numpy as np
import pytest

from keras_crosspool.backbones import Backbone
from keras_crosspool.backbones.feature_maps import find_feature_maps
from keras_crosspool.exporting.images import read_images
from keras_crosspool.exporting.onnx.exporter import export_onnx
from keras_crosspool.exporting.parity import Comparator
from keras_crosspool.exporting.source import make_source
from keras_crosspool.exporting.tensorrt.exporter import export_tensorrt
from keras_crosspool.exporting.tflite.exporter import export_tflite
from keras_crosspool.models.zoo import build_model

SIDE = 128


@pytest.fixture(scope="module")
def grid_source(metadata, training_images):
    """Both schemes on a network of two layers, nine regions of 64 px; the classifier solved."""
    keras.utils.set_random_seed(0)
    image = keras.Input((SIDE, SIDE, 3), name="image")
    x = keras.layers.Rescaling(1 / 128, offset=-1)(image)
    x = keras.layers.Conv2D(16, 8, strides=8, activation="relu6", name="body")(x)
    x = keras.layers.Conv2D(12, 3, padding="same", activation="relu6", name="deep")(x)
    network = keras.Model(image, x)
    backbone = Backbone("Small", network, find_feature_maps(network), "none")
    options = {"region_size": 64, "region_stride": 32, "feature_channels": 8}
    model = build_model(backbone, 16, "both", grid_guidance_channels=6, **options)
    images, labels = training_images
    extractor = keras.Model(model.input, model.get_layer("logits").input)
    rows = extractor.predict(images.astype("float32"), verbose=0)
    rows = np.concatenate([rows, np.ones((len(rows), 1))], axis=1)
    # So strong that logits of this random network do not rest on its rounding.
    gram = rows.T @ rows + 1.0 * np.eye(rows.shape[1])
    solution = np.linalg.solve(gram, rows.T @ np.eye(16)[labels])
    model.get_layer("logits").assign(solution[:-1] * 10, solution[-1] * 10, 0.05)
    return make_source(model, metadata)


@pytest.fixture(scope="module")
def grid_comparator(grid_source):
    return Comparator(read_images(grid_source.metadata, "parity", limit=32), grid_source.model)


@pytest.mark.parametrize("precision", ["float32", "float16", "dynamic"])
def test_tflite(grid_source, grid_comparator, tmp_path, precision):
    path = tmp_path / "model.tflite"
    artefact = export_tflite(grid_source, path, precision, grid_comparator)
    assert artefact.parity["status"] == "passed"
    assert not any("Flex" in name or "WHILE" in name for name in artefact.operators)


@pytest.mark.parametrize("batch_size", [1, 0])
def test_onnx(grid_source, grid_comparator, tmp_path, batch_size):
    path = tmp_path / "model.onnx"
    artefact = export_onnx(grid_source, path, "float32", grid_comparator, batch_size=batch_size)
    assert artefact.parity["status"] == "passed"
    # A loop would hide the regions' network from what comes after: quantiser, engine builder.
    assert "Loop" not in artefact.operators


@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_tensorrt_engines_build(grid_source, grid_comparator, tmp_path, precision):
    pytest.importorskip("tensorrt_rtx")
    path = tmp_path / "model.engine"
    export_tensorrt(grid_source, path, precision, grid_comparator)
    assert path.stat().st_size > 0
