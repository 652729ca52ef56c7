"""Shared by the training tests: small splits and models of real pictures."""

import functools
import runpy

import keras
import pytest
from absl import flags

from keras_crosspool import build_model
from keras_crosspool.backbones import create_backbone
from keras_crosspool.data import open_split


@pytest.fixture(scope="session")
def train_split(tiny_folder):
    return open_split(tiny_folder, "train")


@pytest.fixture(scope="session")
def test_split(tiny_folder):
    return open_split(tiny_folder, "test")


@pytest.fixture(scope="session")
def new_model():
    """A function that builds a small model whose weights nobody else uses."""

    def build(scheme="scheme1", image_size=128, channels=16):
        backbone = create_backbone("EfficientNetLite0", image_size)
        return build_model(
            backbone,
            3,
            scheme,
            feature_channels=channels,
            guidance_channels=2 * channels,
            region_size=64,
            region_stride=32,
            region_mode="shared",
            grid_guidance_channels=channels,
        )

    return build


@pytest.fixture(scope="session")
def tiny_network():
    """A function that builds a convolutional network of a few hundred weights, named like a zoo
    model's: it is traced and trained in no time."""

    def build(image_size=16, classes=3):
        keras.utils.set_random_seed(1)
        picture = keras.Input((image_size, image_size, 3))
        x = keras.layers.Rescaling(1 / 128, -1)(picture)
        # A bias before the norm would have no gradient but rounding.
        x = keras.layers.Conv2D(4, 3, strides=2, use_bias=False, name="first_conv")(x)
        x = keras.layers.BatchNormalization(momentum=0.5, name="first_norm")(x)
        x = keras.layers.Conv2D(8, 3, activation="relu", name="regions")(x)
        x = keras.layers.GlobalAveragePooling2D(name="pooling")(x)
        return keras.Model(picture, keras.layers.Dense(classes, name="logits")(x))

    return build


@pytest.fixture(scope="session")
def flag_defaults():
    """The defaults of the training flags, which are defined for the tests of nothing else."""
    defined = flags.FlagValues()
    with pytest.MonkeyPatch.context() as patch:
        for kind in ("string", "bool", "list", "integer", "float", "enum"):
            define = functools.partial(getattr(flags, f"DEFINE_{kind}"), flag_values=defined)
            patch.setattr(flags, f"DEFINE_{kind}", define)
        runpy.run_module("keras_crosspool.training.flags")
    return {name: defined[name].default for name in defined}
