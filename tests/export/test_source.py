"""What is exported: float32 whatever the model was trained under, and what stays in float."""

import os

import keras
import numpy as np
import pytest

from keras_crosspool import RegionGrid
from keras_crosspool.exporting.source import load_source, make_source
from keras_crosspool.models.policy import all_layers, network_with_policy


def _small_model(policy):
    keras.utils.set_random_seed(1)
    image = keras.Input((32, 32, 3))
    x = keras.layers.Conv2D(8, 3, strides=2, activation="relu", dtype=policy)(image)
    x = keras.layers.BatchNormalization(dtype=policy)(x)
    x = keras.layers.GlobalAveragePooling2D(name="pool", dtype=policy)(x)
    return keras.Model(image, keras.layers.Dense(4, name="logits", dtype=policy)(x))


@pytest.mark.parametrize(
    ("policy", "dtype", "tolerance"),
    [
        ("mixed_float16", "float16", 5e-3),
        pytest.param(
            "mixed_bfloat16",
            "bfloat16",
            5e-2,
            marks=pytest.mark.skipif(
                "ONEDNN_MAX_CPU_ISA" in os.environ,
                reason="TensorFlow asks the processor, not oneDNN, whether bfloat16 is there",
            ),
        ),
    ],
)
def test_half_precision_models_are_rebuilt(metadata, policy, dtype, tolerance):
    mixed, plain = _small_model(policy), _small_model("float32")
    plain.set_weights(mixed.get_weights())
    source = make_source(mixed, metadata)
    assert source.rebuilt_from == dtype
    assert {layer.compute_dtype for layer in source.model.layers} == {"float32"}
    images = np.random.default_rng(0).uniform(0, 255, (4, 32, 32, 3)).astype("float32")
    rebuilt = source.model.predict(images, verbose=0)
    np.testing.assert_array_equal(rebuilt, plain.predict(images, verbose=0))
    trained = mixed.predict(images, verbose=0).astype("float32")
    np.testing.assert_allclose(rebuilt, trained, atol=tolerance * np.abs(rebuilt).max())


def test_a_float32_model_is_taken_as_it_is(metadata):
    model = _small_model("float32")
    source = make_source(model, metadata)
    assert source.model is source.original is model
    assert source.rebuilt_from is None


def test_the_rebuilt_zoo_model_is_the_same(small_source):
    images = np.random.default_rng(0).uniform(0, 255, (2, 128, 128, 3)).astype("float32")
    copy = network_with_policy(small_source.model, "float32")
    copy.set_weights(small_source.model.get_weights())
    np.testing.assert_array_equal(
        copy.predict(images, verbose=0),
        small_source.model.predict(images, verbose=0),
    )


def test_the_network_of_a_region_grid_is_rebuilt_too(metadata):
    region = keras.Input((None, None, 3))
    body = keras.layers.Conv2D(4, 3, strides=4, dtype="mixed_float16")(region)
    image = keras.Input((32, 32, 3))
    grid = RegionGrid(keras.Model(region, body), 16, 8)(image)
    pooled = keras.layers.GlobalAveragePooling2D()(grid)
    model = keras.Model(image, keras.layers.Dense(3, name="logits")(pooled))
    source = make_source(model, metadata)
    assert source.rebuilt_from == "float16"
    assert {layer.compute_dtype for layer in all_layers(source.model)} == {"float32"}
    images = np.random.default_rng(0).uniform(0, 1, (2, 32, 32, 3)).astype("float32")
    expected = model.predict(images, verbose=0)
    actual = source.model.predict(images, verbose=0)
    np.testing.assert_allclose(actual, expected, atol=5e-3 * np.abs(expected).max())


def test_the_head_stays_in_float(source):
    assert source.float_layers() == ("pooling", "logits")


def test_a_gate_fed_by_pooling_is_no_head(metadata):
    image = keras.Input((32, 32, 3))
    x = keras.layers.Conv2D(8, 3)(image)
    gate = keras.layers.GlobalAveragePooling2D(keepdims=True)(x)
    gate = keras.layers.Conv2D(8, 1, activation="sigmoid")(gate)
    x = keras.layers.Multiply(name="gated")([x, gate])
    x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    model = keras.Model(image, keras.layers.Dense(4, name="logits")(x))
    assert make_source(model, metadata).float_layers() == ("gated", "pool", "logits")


def test_the_hash_follows_the_weights(solved_directory, source, damaged):
    assert load_source(solved_directory).sha256 == source.sha256
    nudged = damaged(source, "logits", lambda kernel: kernel + 1e-6)
    assert nudged.sha256 != source.sha256


def test_no_model_directory(tmp_path):
    with pytest.raises(ValueError, match="no model directory"):
        load_source(tmp_path)
