"""Functional models as graphs: cut in two, and at another size."""

import keras
import numpy as np
import pytest

from keras_crosspool import graphs


@pytest.fixture(scope="module")
def network():
    keras.utils.set_random_seed(0)
    image = keras.Input((32, 32, 3))
    x = keras.layers.Conv2D(4, 3, 2, padding="same", name="first")(image)
    y = keras.layers.Conv2D(4, 3, padding="same", dilation_rate=2, name="inside")(x)
    x = keras.layers.Add(name="merged")([x, y])
    x = keras.layers.MaxPooling2D(2, name="pooled")(x)
    x = keras.layers.Conv2D(5, 3, padding="same", name="last")(x)
    return keras.Model(image, x)


def _run(model, x):
    return np.asarray(model(x))


def test_the_parts_are_the_whole(network):
    x = np.random.default_rng(0).normal(size=(2, 32, 32, 3)).astype("float32")
    early, late = graphs.split_at(network, "merged")
    assert early.output_shape[1:] == (16, 16, 4)
    np.testing.assert_allclose(_run(late, _run(early, x)), _run(network, x), rtol=1e-5, atol=1e-6)
    assert late.get_layer("last") is network.get_layer("last")


def test_a_cut_inside_a_block_is_refused(network):
    with pytest.raises(ValueError, match=r"some paths go past it.*Received: 'inside'"):
        graphs.split_at(network, "inside")
    with pytest.raises(ValueError, match=r"no layer of this name.*Received: 'missing'"):
        graphs.split_at(network, "missing")


def test_another_size_has_the_same_weights(network):
    x = np.random.default_rng(0).normal(size=(2, 32, 32, 3)).astype("float32")
    wide = graphs.at_size(network, 32, 64)
    assert wide.output_shape[1:] == (8, 16, 5)
    # Away from the seam the two halves are what each is alone.
    both = _run(wide, np.concatenate([x, x], axis=2))
    alone = _run(network, x)
    np.testing.assert_allclose(both[:, :, :5], alone[:, :, :5], rtol=1e-4, atol=1e-5)
    assert wide.get_layer("last") is network.get_layer("last")


def test_a_nested_stem_goes_along():
    """ConvNeXt holds its stem in a Sequential, which by itself refuses another size."""
    network = keras.applications.ConvNeXtTiny(
        include_top=False, weights=None, input_shape=(64, 64, 3)
    )
    assert graphs.at_size(network, 96, 64).output_shape == (None, 3, 2, 768)


def test_last_map(network):
    assert graphs.last_map(network) == "last"
    flat = keras.Model(network.input, keras.layers.Flatten()(network.output))
    assert graphs.last_map(flat) == "last"
    vector = keras.Input((4,))
    with pytest.raises(ValueError, match="image network with feature maps"):
        graphs.last_map(keras.Model(vector, keras.layers.Dense(2)(vector)))
