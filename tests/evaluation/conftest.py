"""Shared by the evaluation tests: the trained model and real images."""

import pytest

from keras_crosspool import load_model
from keras_crosspool.data import load_images, open_split


@pytest.fixture(scope="session")
def solved(model_directory):
    """A model that training solved, and its metadata."""
    return load_model(model_directory)


@pytest.fixture(scope="session")
def unseen_images(tiny_folder, solved):
    """Twelve real images that the model has not seen, and their labels."""
    _, metadata = solved
    split = open_split(tiny_folder, "test", metadata.class_names)
    return load_images(split, metadata.image_size)
