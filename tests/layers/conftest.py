"""Shared by the layer tests, which other backends than TensorFlow run too."""

import keras
import pytest


@pytest.fixture(scope="session")
def tf():
    """TensorFlow, for what only it can show; skips where Keras runs on another backend."""
    if keras.backend.backend() != "tensorflow":
        pytest.skip("this check is written with TensorFlow")
    import tensorflow

    return tensorflow
