"""Shared by the training tests: small splits and models of real pictures."""

import pytest

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
