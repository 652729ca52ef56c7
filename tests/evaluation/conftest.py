"""Shared by the evaluation tests: the trained model and real pictures."""

import pytest

from keras_crosspool import load_model
from keras_crosspool.data import load_pictures, open_split


@pytest.fixture(scope="session")
def solved(model_directory):
    """A model that training solved, and its metadata."""
    return load_model(model_directory)


@pytest.fixture(scope="session")
def unseen_pictures(tiny_folder, solved):
    """Twelve real pictures that the model has not seen, and their labels."""
    _, metadata = solved
    split = open_split(tiny_folder, "test", metadata.class_names)
    return load_pictures(split, metadata.image_size)
