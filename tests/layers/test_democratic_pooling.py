"""DemocraticPooling against its definition: what each position contributes."""

import numpy as np
import pytest
from keras import ops

from keras_crosspool import CrossLayerPooling, DemocraticPooling
from tests.second_order_layers import random_maps


def _kernel(maps):
    """Inner products of the outer products of all positions, one pair after the other."""
    rows = [x.reshape(-1, x.shape[-1]).astype("float64") for x in maps]
    products = [np.outer(x, a).ravel() for x, a in zip(rows[0], rows[-1], strict=True)]
    return np.maximum([[p @ q for q in products] for p in products], 0)


def _contributions(layer, maps):
    """What each position adds to the squared norm, and what it adds to that of the plain sum."""
    weights = ops.convert_to_numpy(layer.position_weights(maps)).astype("float64")
    for b, w in enumerate(weights):
        kernel = _kernel([x[b] for x in maps])
        yield w * (kernel @ w), kernel.sum(axis=1), w, kernel


@pytest.mark.parametrize("channels", [(6,), (6, 5)])
def test_every_position_contributes_alike(channels):
    maps = random_maps(channels, (2, 3, 4))
    maps[0][:, 0] *= 5  # a row that drowns the others in the plain sum
    for given, plain, _, _ in _contributions(DemocraticPooling(iterations=60), maps):
        assert plain.max() > 5 * plain.min()
        np.testing.assert_allclose(given / given.mean(), 1, rtol=0.02)


def test_gamma_gives_a_power_of_the_plain_contributions():
    maps = random_maps((6,), (2, 3, 4))
    for given, plain, _, _ in _contributions(DemocraticPooling(0.5, iterations=60), maps):
        ratio = given / np.sqrt(plain)
        np.testing.assert_allclose(ratio / ratio.mean(), 1, rtol=0.02)


@pytest.mark.parametrize("iterations", [1, 3, 10])
def test_iterations_are_the_dampened_ones(iterations):
    """Each divides the weights by the root of what their positions contribute."""
    maps = random_maps((6,), (2, 3, 4))
    layer = DemocraticPooling(iterations=iterations, epsilon=0.0)
    for _, _, found, kernel in _contributions(layer, maps):
        kernel = kernel / kernel.max()
        weights = np.ones(len(kernel))
        for _ in range(iterations):
            weights = weights / np.sqrt(weights * (kernel @ weights))
        np.testing.assert_allclose(found, weights, rtol=1e-3)


@pytest.mark.parametrize("gamma", [0.0, 0.5])
def test_contributions_have_the_paper_s_size_without_a_norm(gamma):
    maps = random_maps((6,), (2, 3, 4))
    layer = DemocraticPooling(gamma, 60, l2_normalization=False)
    for given, plain, _, _ in _contributions(layer, maps):
        np.testing.assert_allclose(given, plain**gamma, rtol=0.02)


@pytest.mark.parametrize("channels", [(4,), (4, 3)])
def test_descriptor_is_the_weighted_sum(pool_by_loops, channels):
    maps = random_maps(channels)
    layer = DemocraticPooling()
    weights = ops.convert_to_numpy(layer.position_weights(maps)).reshape(2, 5, 4, 1)
    expected = pool_by_loops(maps[0] * weights, maps[-1])
    found = ops.convert_to_numpy(layer(maps))
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3)


def test_gamma_one_is_the_plain_sum():
    maps = random_maps((4, 3))
    plain = ops.convert_to_numpy(CrossLayerPooling()(maps))
    found = ops.convert_to_numpy(DemocraticPooling(gamma=1.0)(maps))
    np.testing.assert_allclose(found, plain, rtol=1e-4, atol=1e-5)


def test_a_repeated_position_counts_as_the_root_of_how_often_it_is_there():
    """Of positions that have nothing in common; in the plain sum it counts as often as it is."""
    maps = np.eye(3, dtype="float32")[[0, 0, 0, 0, 1, 2]].reshape(1, 1, 6, 3)
    layer = DemocraticPooling(iterations=60, epsilon=0.0)
    weights = ops.convert_to_numpy(layer.position_weights(maps))[0]
    np.testing.assert_allclose(weights[:4].sum() / weights[4], 2, rtol=1e-2)
    np.testing.assert_allclose(weights[4], weights[5])
