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


@pytest.fixture
def convolvable():
    """A function of a data format; skips where TensorFlow has no convolution for it on this CPU.

    For channels first that is oneDNN's, which not every processor and setting has.
    """

    def check(data_format):
        if data_format == "channels_first" and keras.backend.backend() == "tensorflow":
            import tensorflow

            try:
                one = keras.ops.ones((1, 1, 1, 1))
                keras.ops.conv(one, one, data_format=data_format)
            except tensorflow.errors.UnimplementedError:
                pytest.skip("TensorFlow has no channels-first convolution on this CPU")

    return check
