"""The model that a network is tuned through: what it computes, and whose layers it trains."""

import dataclasses

import keras
import numpy as np
import pytest

from keras_crosspool import CrossPoolClassifier
from keras_crosspool.config.fine_tuning_config import FineTuningConfig
from keras_crosspool.fine_tuning.fine_tune import fine_tune
from keras_crosspool.fine_tuning.tuning_model import tune_network, tuning_model

CROSS_LAYER = FineTuningConfig(tuning_head="cross_layer")
IMAGES = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3)).astype("float32")


@pytest.fixture(scope="module")
def model(new_model):
    return new_model(image_size=96, channels=8)


@pytest.fixture(scope="module")
def both(new_model):
    return new_model("both", image_size=96, channels=8)


def test_cross_layer_pooling_of_trained_channels(model, pool_by_loops):
    tuned = tuning_model(model, 64, CROSS_LAYER)
    assert tuned.class_names == model.class_names
    assert tuned.classifier.dropout.rate == CROSS_LAYER.tuning_dropout
    branch = tuned.branches[0]
    maps = keras.Model(tuned.inputs[0], [branch.maps, branch.source])
    features, source = map(np.asarray, maps(IMAGES))
    assert (features.shape, source.shape) == ((2, 2, 2, 320), (2, 2, 2, 1280))
    projection, guidance = (layer.get_weights() for layer in branch.layers[:2])
    local = features @ projection[0][0, 0] + projection[1]
    weights = np.maximum(source @ guidance[0][0, 0] + guidance[1], 0)
    pooled = pool_by_loops(local, weights)
    kernel, bias = tuned.classifier.get_weights()
    expected = 30 * pooled @ kernel + bias
    np.testing.assert_allclose(tuned.predict(IMAGES, verbose=0), expected, atol=1e-4)


def test_the_average_is_the_plain_one(model):
    tuned = tuning_model(model, 64, FineTuningConfig(tuning_head="average"))
    branch = tuned.branches[0]
    maps = np.asarray(keras.Model(tuned.inputs[0], branch.maps)(IMAGES))
    kernel, bias = tuned.classifier.get_weights()
    expected = maps.mean(axis=(1, 2)) @ kernel + bias
    np.testing.assert_allclose(tuned.predict(IMAGES, verbose=0), expected, atol=1e-4)


def test_the_seed_sets_the_weights_of_the_head(model):
    heads = [
        np.concatenate([w.ravel() for layer in tuned.head_layers for w in layer.get_weights()])
        for tuned in (tuning_model(model, 64, FineTuningConfig(seed=seed)) for seed in (1, 1, 2))
    ]
    np.testing.assert_array_equal(heads[0], heads[1])
    assert not np.allclose(heads[0], heads[2])


@pytest.mark.parametrize("head", ["cross_layer", "average"])
def test_tuning_it_tunes_the_network_and_not_the_classifier(model, train_split, head):
    start = model.get_weights()
    before = {layer.name: layer.get_weights() for layer in model.layers}
    options = FineTuningConfig(epochs=1, batch_size=6, tuning_head=head)
    tuned = tuning_model(model, 64, options)
    fine_tune(tuned, train_split, None, 64, options)
    after = {layer.name: layer.get_weights() for layer in model.layers}
    model.set_weights(start)
    changed = {
        name
        for name, weights in before.items()
        if any(np.abs(a - b).max() > 0 for a, b in zip(weights, after[name], strict=True))
    }
    assert {"stem_conv", "head_conv", "block7a_project_conv"} <= changed
    assert not {"regions", "guidance", "logits"} & changed
    assert not [name for name in changed if name.endswith("_bn")]


@pytest.mark.parametrize("share", [0.25, 1.0])
def test_the_network_ends_between_before_and_tuned(new_model, train_split, share):
    """The small head's tuned weights and those of before; the network of the regions stays."""
    both = new_model("both", image_size=96, channels=8)
    options = FineTuningConfig(epochs=1, batch_size=6, tuned_share=share)
    start, before = both.get_weights(), both.backbone.get_weights()
    fine_tune(tuning_model(both, 64, options), train_split, None, 64, options)
    tuned = both.backbone.get_weights()
    both.set_weights(start)
    tune_network(both, train_split, None, dataclasses.replace(options, tuning_size=64))
    grid = both.get_layer("region_grid").network
    inner = dict(zip([w.path for w in grid.weights], grid.get_weights(), strict=True))
    for weight, old, new in zip(both.backbone.weights, before, tuned, strict=True):
        expected = (1 - share) * old + share * new
        np.testing.assert_allclose(weight, expected, atol=1e-6, err_msg=weight.path)
        np.testing.assert_array_equal(inner[weight.path], old)
    assert max(np.abs(new - old).max() for old, new in zip(before, tuned, strict=True)) > 1e-4


@pytest.mark.parametrize(("given", "size"), [(None, 112), (64, 64)])
def test_it_is_tuned_smaller_than_it_is_solved(new_model, monkeypatch, given, size):
    """Seven ninths of the side, by default."""
    sizes = []
    monkeypatch.setattr(
        "keras_crosspool.fine_tuning.tuning_model.fine_tune",
        lambda model, train, validation, image_size, *_: sizes.append(
            (image_size, model.image_size)
        ),
    )
    model = new_model(image_size=144, channels=8)
    tune_network(model, None, None, FineTuningConfig(tuning_size=given))
    assert sizes == [(size, size)]


def test_a_model_of_region_grids_alone_is_tuned_in_its_grid(new_model):
    model = new_model("scheme2", image_size=96)
    tuned = tuning_model(model, 64, CROSS_LAYER)
    network = model.get_layer("region_grid").network
    assert tuned.get_layer("stem_conv") is network.get_layer("stem_conv")
    assert tuned.input_shape == (None, 64, 64, 3)


@pytest.mark.parametrize(
    ("scheme", "is_tuned"), [("scheme1", True), ("scheme1_2x", True), ("scheme1_earlier", False)]
)
def test_the_baseline_is_a_fair_one_where_all_of_it_is_tuned(new_model, scheme, is_tuned):
    model = new_model(scheme, image_size=96)
    assert model.baseline().stands_on(model.backbone) == is_tuned


@pytest.mark.parametrize(
    "scheme", ["global_average", "region_average", "scheme1_2x", "scheme1_earlier"]
)
def test_every_scheme_has_maps_to_tune_through(new_model, scheme):
    model = new_model(scheme, image_size=96)
    tuned = tuning_model(model, 64, CROSS_LAYER)
    assert tuned.descriptor.shape == (None, 8192)
    assert np.isfinite(tuned(IMAGES)).all()


def test_a_network_of_the_users_own_with_two_levels():
    image = keras.Input((64, 64, 3))
    low = keras.layers.Conv2D(4, 3, 8, padding="same", activation="relu", name="low")(image)
    left = keras.layers.Conv2D(6, 1, name="left")(low)
    right = keras.layers.Conv2D(5, 1, activation="relu", name="right")(low)
    model = CrossPoolClassifier.from_backbone(
        keras.Model(image, [left, right]),
        num_classes=3,
        features_layer="left",
        guidance_layer="right",
        feature_channels=4,
    )
    tuned = tuning_model(model, 48, CROSS_LAYER)
    assert {"low", "left", "right"} <= {layer.name for layer in tuned.layers}
    assert tuned.predict(IMAGES[:, :48, :48], verbose=0).shape == (2, 3)
