"""CompactBilinearPooling against the paper's algorithms, position by position, and its promise."""

import math

import numpy as np
import pytest
from keras import ops

from keras_crosspool import CompactBilinearPooling
from keras_crosspool.layers.compact_bilinear_pooling import bin_entries
from tests.second_order_layers import random_maps

_BARE = {"signed_square_root": False, "l2_normalization": False}


def _found(layer, maps):
    return ops.convert_to_numpy(layer(maps)).astype("float64")


def _weights(layer):
    return {w.name: ops.convert_to_numpy(w.value) for w in layer.weights}


def _tensor_sketch(x, a, weights, units):
    """Algorithm 2 of the paper: two count sketches at each position, convolved by FFT."""
    total = np.zeros(units)
    for at in np.ndindex(x.shape[:2]):
        transforms = []
        for values, name in ((x[at], "features"), (a[at], "guidance")):
            sketch = np.zeros(units)
            for value, sign, bin in zip(
                values, weights[f"{name}_signs"], weights[f"{name}_bins"], strict=True
            ):
                sketch[bin] += sign * value
            transforms.append(np.fft.fft(sketch))
        total += np.fft.ifft(transforms[0] * transforms[1]).real
    return total


def _random_maclaurin(x, a, weights, units):
    """Algorithm 1 of the paper, at each position."""
    total = np.zeros(units)
    for at in np.ndindex(x.shape[:2]):
        total += (x[at] @ weights["features_kernel"]) * (a[at] @ weights["guidance_kernel"])
    return total / math.sqrt(units)


_BY_POSITION = {"tensor_sketch": _tensor_sketch, "random_maclaurin": _random_maclaurin}


@pytest.mark.parametrize("method", _BY_POSITION)
@pytest.mark.parametrize("channels", [(6, 5), (3, 7), (5,)])
@pytest.mark.parametrize("units", [11, 64])
def test_sketch_at_each_position(method, channels, units):
    maps = random_maps(channels, (2, 3, 4))
    layer = CompactBilinearPooling(units, method, seed=3, **_BARE)
    found, weights = _found(layer, maps), _weights(layer)
    for b in range(2):
        expected = _BY_POSITION[method](maps[0][b], maps[-1][b], weights, units)
        np.testing.assert_allclose(found[b], expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("method", _BY_POSITION)
def test_root_and_norm_follow(method):
    maps = random_maps((6, 5))
    bare = _found(CompactBilinearPooling(16, method, **_BARE), maps)
    expected = np.sign(bare) * np.sqrt(np.abs(bare))
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    found = _found(CompactBilinearPooling(16, method), maps)
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("method", _BY_POSITION)
@pytest.mark.parametrize("grid", [(1, 1), (2, 2)])
def test_inner_product_is_unbiased_and_its_variance_falls_with_units(method, grid):
    """<phi(x), phi(y)> estimates <P, Q>, which for one map of one position is <x, y>^2."""
    (maps,) = random_maps((6,), (24, *grid))
    sums = np.einsum("bhwk,bhwd->bkd", maps.astype("float64"), maps).reshape(24, -1)
    sums /= np.linalg.norm(sums, axis=1, keepdims=True)
    exact = np.sum(sums[::2] * sums[1::2], axis=1)
    norms = np.linalg.norm(np.einsum("bhwk,bhwd->bkd", maps, maps), axis=(1, 2))
    variances = []
    for units in (16, 64):
        layers = (CompactBilinearPooling(units, method, seed=s, **_BARE) for s in range(50))
        sketches = [_found(layer, maps) / norms[:, None] for layer in layers]
        estimates = np.array([np.sum(x[::2] * x[1::2], axis=1) for x in sketches])
        # Five standard errors of the mean of 50 draws.
        bound = 5 * estimates.std(axis=0) / math.sqrt(50)
        assert (np.abs(estimates.mean(axis=0) - exact) < bound).all()
        variances.append(estimates.var(axis=0).mean())
        # Each of the two factors of a product adds its own collisions.
        assert variances[-1] < 9 / units
    assert 2.2 < variances[0] / variances[1] < 7  # 4, but for the draw


def test_random_numbers_follow_from_the_seed_and_are_not_trained():
    maps = random_maps((4, 3))
    first, again, other = (CompactBilinearPooling(8, seed=s) for s in (1, 1, 2))
    np.testing.assert_array_equal(_found(first, maps), _found(again, maps))
    assert not np.allclose(_found(first, maps), _found(other, maps))
    assert first.trainable_weights == []
    assert len(first.non_trainable_weights) == 5


def test_a_file_brings_its_own_random_numbers():
    """Also where this NumPy draws others, whose fullest bin holds fewer or more."""
    maps = random_maps((6, 5))
    saved = CompactBilinearPooling(16, seed=1)
    expected = _found(saved, maps)
    widths = set()
    for seed in range(2, 8):
        other = CompactBilinearPooling(16, seed=seed)
        other.build_from_config(saved.get_build_config())
        other.set_weights(saved.get_weights())
        np.testing.assert_array_equal(_found(other, maps), expected)
        drawn = CompactBilinearPooling(16, seed=seed)
        drawn(maps)
        widths.add(drawn.get_build_config()["width"])
    assert len(widths) > 1


def test_bins_hold_every_value_once():
    bins = np.random.default_rng(0).integers(0, 7, 40)
    entries = bin_entries(bins, 9)  # two bins stay empty
    for number, row in enumerate(entries):
        assert sorted(row[row < 40]) == np.flatnonzero(bins == number).tolist()


def test_no_tensor_is_as_large_as_positions_times_descriptor(tf):
    height, width, units = 9, 11, 64
    layer = CompactBilinearPooling(units)
    specs = [tf.TensorSpec((1, height, width, n), "float32") for n in (5, 4)]
    layer([tf.zeros(spec.shape) for spec in specs])
    graph = tf.function(lambda x, a: layer([x, a])).get_concrete_function(*specs).graph
    sizes = [t.shape.num_elements() or 0 for op in graph.get_operations() for t in op.outputs]
    assert max(sizes) < height * width * units / 5
    assert not any("FFT" in op.type for op in graph.get_operations())
