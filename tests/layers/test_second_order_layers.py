"""What all second-order layers promise, whatever they compute."""

import itertools

import keras
import numpy as np
import pytest
from keras import ops

from keras_crosspool import (
    CompactBilinearPooling,
    CovariancePooling,
    DemocraticPooling,
    HierarchicalBilinearPooling,
    MatrixRootPooling,
    ProjectedCovariancePooling,
)
from tests.second_order_layers import NAMES, channels_of, make_layer, random_maps

all_layers = pytest.mark.parametrize("name", NAMES)


def _values(layer, maps):
    return ops.convert_to_numpy(ops.cast(layer(maps), "float32"))


@all_layers
def test_each_image_is_pooled_alone(name):
    layer, maps = make_layer(name), random_maps(channels_of(name), (3, 4, 4))
    together = _values(layer, maps)
    assert not np.allclose(together[0], together[1])
    for b in range(3):
        alone = _values(layer, [x[b : b + 1] for x in maps])
        np.testing.assert_allclose(alone[0], together[b], rtol=1e-4, atol=1e-5)


@all_layers
def test_height_and_width_may_be_unknown(name):
    layer, channels = make_layer(name), channels_of(name)
    inputs = [keras.Input((None, None, n)) for n in channels]
    model = keras.Model(inputs, layer(inputs))
    for grid in ((5, 4), (3, 7)):
        maps = random_maps(channels, (2, *grid))
        found = ops.convert_to_numpy(model(maps))
        assert model.output_shape == (None, found.shape[1])
        assert layer.compute_output_shape([x.shape for x in maps]) == found.shape
        np.testing.assert_allclose(found, _values(layer, maps), rtol=1e-4, atol=1e-5)


@all_layers
def test_channels_first_is_the_same(name):
    layer, maps = make_layer(name), random_maps(channels_of(name))
    expected = _values(layer, maps)
    first = make_layer(name, data_format="channels_first")
    turned = [np.moveaxis(x, 3, 1) for x in maps]
    first.build([tuple(x.shape) for x in turned])
    first.set_weights(layer.get_weights())
    np.testing.assert_allclose(_values(first, turned), expected, rtol=1e-4, atol=1e-5)


@all_layers
def test_round_trip_through_a_file(name, tmp_path):
    channels = channels_of(name)
    inputs = [keras.Input((None, None, n)) for n in channels]
    model = keras.Model(inputs, make_layer(name, epsilon=1e-3, name="pooling")(inputs))
    model.save(tmp_path / "model.keras")
    restored = keras.models.load_model(tmp_path / "model.keras")
    config = model.get_layer("pooling").get_config()
    assert restored.get_layer("pooling").get_config() == config
    assert config["epsilon"] == 1e-3
    for found, saved in zip(restored.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(found, saved)
    maps = random_maps(channels)
    np.testing.assert_array_equal(_values(restored, maps), _values(model, maps))


def _gradients(tf, layer, maps, direction):
    maps = [tf.constant(x) for x in maps]
    with tf.GradientTape() as tape:
        tape.watch(maps)
        descriptor = layer(maps)
        value = tf.reduce_sum(descriptor * tf.cast(direction, descriptor.dtype))
    return [ops.convert_to_numpy(x).astype("float64") for x in tape.gradient(value, maps)]


@all_layers
def test_gradient_equals_finite_differences(tf, name):
    maps = random_maps(channels_of(name), (1, 3, 2), dtype="float64")
    layer = make_layer(name, dtype="float64")
    size = layer(maps).shape[1]
    direction = np.random.default_rng(1).normal(size=(1, size))
    gradients = _gradients(tf, layer, maps, direction)
    step, call = 1e-6, tf.function(layer)
    for which, x in enumerate(maps):
        for position in np.ndindex(x.shape):
            values = []
            for sign in (1, -1):
                moved = [each.copy() for each in maps]
                moved[which][position] += sign * step
                values.append(float(np.sum(ops.convert_to_numpy(call(moved)) * direction)))
            slope = (values[0] - values[1]) / (2 * step)
            np.testing.assert_allclose(gradients[which][position], slope, rtol=1e-3, atol=1e-5)


@all_layers
@pytest.mark.parametrize("dead", ["everything", "one channel", "most positions"])
def test_gradient_is_finite_at_zero(tf, name, dead):
    maps = random_maps(channels_of(name))
    for x in maps:
        if dead == "everything":
            x[:] = 0
        elif dead == "one channel":
            x[..., 1] = 0
        else:
            x[:, 1:] = 0
    layer = make_layer(name)
    descriptor = _values(layer, maps)
    assert np.isfinite(descriptor).all()
    direction = np.random.default_rng(1).normal(size=descriptor.shape)
    for gradient in _gradients(tf, layer, maps, direction):
        assert np.isfinite(gradient).all()
        assert np.abs(gradient).max() < 1e6


@all_layers
@pytest.mark.parametrize(("policy", "step"), [("mixed_float16", 2e-3), ("mixed_bfloat16", 1.6e-2)])
def test_half_precision_accumulates_in_float32(name, policy, step):
    half = policy.removeprefix("mixed_")
    maps = [ops.cast(x, half) for x in random_maps(channels_of(name), (1, 32, 32))]
    exact = make_layer(name)
    expected = _values(exact, [ops.cast(x, "float32") for x in maps])
    layer = make_layer(name, dtype=policy)
    layer.build([tuple(x.shape) for x in maps])
    layer.set_weights(exact.get_weights())
    descriptor = layer(maps)
    assert keras.backend.standardize_dtype(descriptor.dtype) == half
    assert keras.backend.standardize_dtype(layer.pool(maps).dtype) == "float32"
    found = ops.convert_to_numpy(ops.cast(descriptor, "float32"))
    np.testing.assert_allclose(found, expected, rtol=step, atol=1e-6)


@pytest.mark.parametrize("name", [name for name in NAMES if len(channels_of(name)) > 1])
@pytest.mark.parametrize("resize", ["guidance", "features"])
def test_resize_brings_maps_to_one_grid(name, resize):
    channels = channels_of(name)
    maps = random_maps(channels, (2, 3, 2))
    large = 0 if resize == "guidance" else len(channels) - 1
    maps[large] = random_maps(channels, (2, 6, 4))[large]
    layer = make_layer(name, resize=resize)
    with pytest.raises(ValueError, match="different grids"):
        make_layer(name)(maps)
    by_hand = [ops.image.resize(x, (6, 4), interpolation="bilinear") for x in maps]
    np.testing.assert_allclose(_values(layer, maps), _values(layer, by_hand), rtol=1e-5)


PAIRED = [CompactBilinearPooling, MatrixRootPooling, DemocraticPooling]


@pytest.mark.parametrize("kind", PAIRED)
def test_one_map_alone_is_paired_with_itself(kind):
    (maps,) = random_maps((4,))
    layer, other = kind(), kind()
    np.testing.assert_allclose(_values(layer, [maps]), _values(other, [maps, maps]), rtol=1e-5)
    np.testing.assert_array_equal(_values(layer, maps), _values(layer, [maps]))


BAD_ARGUMENTS = [
    (CompactBilinearPooling, {"units": 0}, "whole number"),
    (CompactBilinearPooling, {"units": 8.0}, "whole number"),
    (CompactBilinearPooling, {"method": "fft"}, "one of"),
    (HierarchicalBilinearPooling, {"units": -1}, "whole number"),
    (CovariancePooling, {"iterations": 0}, "whole number"),
    (MatrixRootPooling, {"iterations": True}, "whole number"),
    (DemocraticPooling, {"gamma": 1.5}, "from 0 to 1"),
    (DemocraticPooling, {"resize": "both"}, "one of"),
    (ProjectedCovariancePooling, {"transform": "cube"}, "one of"),
]


@pytest.mark.parametrize(("kind", "arguments", "message"), BAD_ARGUMENTS)
def test_bad_arguments_are_named(kind, arguments, message):
    (name,) = arguments
    with pytest.raises(ValueError, match=rf"`{name}` must be .*{message}.*Received: {name}="):
        kind(**arguments)


MAPS_TAKEN = {
    CompactBilinearPooling: (1, 2),
    CovariancePooling: (1,),
    DemocraticPooling: (1, 2),
    HierarchicalBilinearPooling: (1, 2, 3, 4),
    MatrixRootPooling: (1, 2),
    ProjectedCovariancePooling: (1,),
}


@pytest.mark.parametrize(("kind", "count"), list(itertools.product(MAPS_TAKEN, (1, 2, 3, 17))))
def test_other_numbers_of_maps_are_refused(kind, count):
    maps = random_maps((2,) * count)
    if count in MAPS_TAKEN[kind]:
        kind()(maps)
        return
    with pytest.raises(ValueError, match=r"Expected .* 4-D feature map.*Received: input_shape="):
        kind()(maps)


@pytest.mark.parametrize("kind", MAPS_TAKEN)
def test_vectors_are_refused(kind):
    with pytest.raises(ValueError, match=r"4-D feature map.*Received: input_shape="):
        kind()(np.zeros((2, 3), "float32"))
