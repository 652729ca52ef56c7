"""Presets: what a name stands for, counted on the models that it builds."""

import numpy as np
import pytest

import keras_crosspool
from keras_crosspool.models.presets import PRESETS, Preset, create_model, list_models

LIGHT = ("global_average_efficientnet_lite0_224", "crosspool_small_efficientnet_lite0_224")


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=() if name in LIGHT else pytest.mark.heavy)
        for name in list_models()
    ],
)
def test_what_a_preset_says_is_what_it_builds(name):
    preset = PRESETS[name]
    model = create_model(name, num_classes=3, weights=None)
    trained_later = sum(int(np.prod(w.shape)) for w in model.classifier.weights)
    weights = sum(int(np.prod(weight.shape)) for weight in model.weights)
    assert weights - trained_later == preset.parameters
    assert trained_later == 4 * preset.values + 3 + 2
    assert model.input_shape == (None, preset.image_size, preset.image_size, 3)
    assert model.descriptor.shape == (None, preset.values)
    assert model.name == name


def test_names_tell_network_and_size():
    for name, preset in PRESETS.items():
        network = "".join(name.split("_")[-4:-1]).lower()
        assert network.endswith(preset.backbone.lower()), name
        assert name.endswith(f"_{preset.image_size}")
    assert len(set(PRESETS.values())) == len(PRESETS)


def test_models_are_listed_by_pattern():
    assert list_models() == sorted(PRESETS)
    lite1 = keras_crosspool.list_models("*lite1*")
    assert lite1 == ["crosspool_efficientnet_lite1_240"]
    assert PRESETS[lite1[0]] == Preset("EfficientNetLite1", 240, "scheme1", 65_536, 5_254_560)
    assert list_models("vgg*") == []


def test_an_unknown_preset_names_the_nearest():
    with pytest.raises(
        ValueError, match=r"nearest are .*crosspool_efficientnet_lite0_224, .*'lite0"
    ):
        create_model("lite0_224", num_classes=3)
    with pytest.raises(ValueError, match="class_names"):
        create_model("crosspool_efficientnet_lite0_224")
