"""`keras_crosspool.search_pairs`: pairs of feature maps, compared across sessions."""

import keras
import numpy as np
import pytest

import keras_crosspool
from keras_crosspool import CrossPoolClassifier, search_pairs
from keras_crosspool.backbones.backbone import Backbone
from keras_crosspool.backbones.feature_maps import find_feature_maps
from keras_crosspool.closed_form.pair_search import candidate_pairs
from keras_crosspool.config import TrainingConfig
from keras_crosspool.training.checking import check_config
from tests.striped_images import striped_images

OPTIONS = {"feature_channels": 4, "guidance_channels": 5, "window_size": 1, "batch_size": 8}


def _network(last=1.0):
    """Maps of 16, 8 and 4 positions a side; what the last two see is scaled by `last`."""
    keras.utils.set_random_seed(5)

    def conv(x, filters, strides, name):
        return keras.layers.Conv2D(
            filters, 3, strides, padding="same", activation="relu", name=name
        )(x)

    image = keras.Input((32, 32, 3))
    x = conv(keras.layers.Rescaling(1 / 64, -2)(image), 4, 2, "wide")
    x = conv(conv(conv(x, 6, 2, "a"), 7, 1, "b"), 8, 1, "c")
    x = conv(conv(x, 9, 2, "d"), 10, 1, "e")
    network = keras.Model(image, x)
    network.get_layer("d").kernel.assign(last * network.get_layer("d").kernel)
    return network


def _backbone(network):
    return Backbone("small", network, find_feature_maps(network), "none")


def _model(network):
    return CrossPoolClassifier.from_backbone(
        network, num_classes=3, features_layer="d", guidance_layer="e", feature_channels=4
    )


@pytest.fixture(scope="module")
def images():
    return striped_images(60, 32)


def test_consecutive_maps_of_one_size_the_deepest_first():
    backbone = _backbone(_network())
    pairs = [(left.layer, right.layer) for left, right in candidate_pairs(backbone)]
    assert pairs == [("d", "e"), ("b", "c"), ("a", "b")]
    assert tuple(candidate_pairs(backbone)[0]) == backbone.default_feature_maps()
    assert len(candidate_pairs(backbone, of_a_stride=1)) == 2


def test_scores_are_those_of_models_solved_on_each_pair(images):
    network = _network()
    model = _model(network)
    before = model.get_weights()
    found = search_pairs(model, *images, groups=None, **OPTIONS)
    for weight, after in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, after)
    assert len(found) == 3
    assert [pair.log_loss for pair in found] == sorted(pair.log_loss for pair in found)
    solver = {"batch_size": 8, "crop_scales": (1.0,), "mirror": False}
    channels = {name: value for name, value in OPTIONS.items() if name not in solver}
    for pair in found:
        layers = {"features_layer": pair.features_layer, "guidance_layer": pair.guidance_layer}
        alone = CrossPoolClassifier.from_backbone(network, num_classes=3, **layers, **channels)
        report = alone.solve(*images, groups=None, **solver)
        assert pair.score == pytest.approx(report.score)
        assert pair.log_loss == pytest.approx(report.log_loss, rel=1e-4)


def test_maps_that_see_nothing_come_last(images):
    found = search_pairs(_model(_network(last=0.0)), *images, groups=None, **OPTIONS)
    assert found[-1].features_layer == "d"
    assert found[0].score > found[-1].score + 0.2


def test_pairs_with_too_few_values_a_window_are_left_out(images):
    found = search_pairs(
        _model(_network()), *images, groups=None, **OPTIONS | {"feature_channels": 8}
    )
    assert [pair.features_layer for pair in found] == ["d"]  # of 9 channels; a and b have 6 and 7


@pytest.mark.parametrize("options", [{"window_size": 50}, {"feature_channels": 1000}])
def test_windows_that_no_map_holds(images, options):
    with pytest.raises(ValueError, match=r"larger images, smaller windows.* Received: window_size"):
        search_pairs(_model(_network()), *images, groups=None, **OPTIONS | options)


@pytest.mark.parametrize("number", [0, -1, 1.5])
def test_pairs_of_a_stride_are_a_whole_number(images, number):
    with pytest.raises(ValueError, match=rf"whole number from 1\. Received: of_a_stride={number}"):
        search_pairs(_model(_network()), *images, groups=None, of_a_stride=number, **OPTIONS)


@pytest.mark.parametrize("name", ["features_layer", "guidance_layer", "mirror", "crop_scales"])
def test_what_the_search_sets_itself_is_not_taken(images, name):
    with pytest.raises(ValueError, match=rf"leave them out\. Received: {name}$"):
        search_pairs(_model(_network()), *images, **OPTIONS | {name: None})


def test_too_few_images_to_compare(images):
    shown, labels = images
    one_each = [np.flatnonzero(labels == label)[0] for label in range(3)]
    with pytest.raises(ValueError, match=r"two images of each class.* Received: 3 images"):
        search_pairs(_model(_network()), shown[one_each], labels[one_each], **OPTIONS)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scheme": "scheme2"}, "Received: `scheme=scheme2` `solver=ridge`"),
        ({"solver": "none", "epochs": 1}, "Received: `scheme=scheme1` `solver=none`"),
        ({"features_layer": "top"}, "leave out `features_layer`.*Received: top"),
    ],
)
def test_options_that_do_not_go_together(options, message):
    with pytest.raises(ValueError, match=message):
        check_config(TrainingConfig.of(pair="search", **options))


def test_it_is_public():
    assert keras_crosspool.search_pairs is search_pairs
