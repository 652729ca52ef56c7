"""HierarchicalBilinearPooling against its definition, position by position."""

import itertools

import numpy as np
import pytest
from keras import ops

from keras_crosspool import HierarchicalBilinearPooling
from tests.second_order_layers import random_maps

UNITS = 6


def _by_positions(maps, kernels, biases):
    """Projections of each position, the products of each two, sums, roots and norms."""
    descriptors = []
    for b in range(len(maps[0])):
        parts = []
        for i, j in itertools.combinations(range(len(maps)), 2):
            total = np.zeros(UNITS)
            for at in np.ndindex(maps[0].shape[1:3]):
                left = maps[i][b][at] @ kernels[i] + biases[i]
                total += left * (maps[j][b][at] @ kernels[j] + biases[j])
            root = np.sign(total) * np.sqrt(np.abs(total))
            parts.append(root / np.linalg.norm(root))
        descriptors.append(np.concatenate(parts))
    return np.array(descriptors)


@pytest.mark.parametrize("channels", [(4, 3, 5), (4, 3), (4,), (2, 3, 4, 5)])
@pytest.mark.parametrize("grid", [(2, 1), (6, 7)])  # few positions, and more than channels
def test_definition(channels, grid):
    maps = random_maps(channels, (2, *grid))
    layer = HierarchicalBilinearPooling(UNITS)
    layer(maps)
    rng = np.random.default_rng(1)
    layer.set_weights([rng.normal(size=w.shape) for w in layer.weights])
    kernels, biases = (
        [ops.convert_to_numpy(w).astype("float64") for w in group]
        for group in (layer.kernels, layer.biases)
    )
    twice = maps if len(maps) > 1 else maps * 2
    expected = _by_positions(twice, kernels, biases)
    assert expected.shape[1] == UNITS * len(kernels) * (len(kernels) - 1) // 2
    # The root is a straight line where a value is next to nothing.
    np.testing.assert_allclose(ops.convert_to_numpy(layer(maps)), expected, rtol=1e-3, atol=3e-3)


def test_projections_are_trained():
    layer = HierarchicalBilinearPooling(UNITS)
    layer(random_maps((4, 3, 2)))
    assert len(layer.trainable_weights) == 6
