"""Shared by the backbone tests: networks built once, and real images."""

import functools
import pathlib

import numpy as np
import pytest
from PIL import Image

from keras_crosspool.backbones import create_backbone

GROCERY = pathlib.Path(__file__).parents[2] / "data" / "grocery_mini"


@pytest.fixture(scope="session")
def random_backbone():
    """A function that builds a backbone with random weights, once for each name and size."""

    @functools.cache
    def build(name, image_size):
        return create_backbone(name, image_size=image_size, weights="none")

    return lambda name, image_size=96: build(name, image_size)


@pytest.fixture(scope="session")
def images():
    """A function that reads a class of grocery_mini as RGB in 0-255, float, of a given size."""

    def read(class_name, image_size, split="test"):
        files = sorted((GROCERY / split / class_name).glob("*.jpg"))
        assert files
        size = (image_size, image_size)
        images = [np.asarray(Image.open(file).convert("RGB").resize(size)) for file in files]
        return np.stack(images).astype("float32")

    return read
