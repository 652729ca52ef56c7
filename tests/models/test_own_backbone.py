"""Backbones that are models of the user's own."""

import keras
import numpy as np
import pytest

from keras_crosspool import CrossPoolClassifier


def _layers():
    return [
        keras.layers.Conv2D(8, 3, strides=2, padding="same", activation="relu", name="first"),
        keras.layers.Conv2D(8, 3, padding="same", activation="relu", name="second"),
    ]


def test_a_sequential_model_is_taken():
    keras.utils.set_random_seed(0)
    backbone = keras.Sequential([keras.Input((32, 32, 3)), *_layers()], name="mine")
    model = CrossPoolClassifier.from_backbone(backbone, num_classes=3, feature_channels=4)
    images = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3)).astype("float32")
    maps = keras.ops.convert_to_numpy(backbone(images))
    found = keras.ops.convert_to_numpy(model.backbone(images))
    np.testing.assert_allclose(found, maps, rtol=1e-6)


@pytest.mark.parametrize(
    ("backbone", "words"),
    [
        (keras.Sequential(_layers()), r"functional Keras model.*Received: sequential"),
        (None, r"name of a backbone.*Received: None"),
        (3, r"name of a backbone.*Received: 3"),
    ],
)
def test_what_is_no_backbone_is_named(backbone, words):
    with pytest.raises(ValueError, match=words):
        CrossPoolClassifier.from_backbone(backbone, num_classes=3, image_size=32)
