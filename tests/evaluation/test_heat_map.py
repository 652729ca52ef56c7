"""Contributions laid over the image: nothing lost, everything where it belongs."""

import numpy as np
import pytest

from keras_crosspool import build_model
from keras_crosspool.evaluation.heat_map import heat_map, strongest_regions

OPTIONS = {"feature_channels": 8, "guidance_channels": 8, "grid_guidance_channels": 4}


@pytest.fixture(scope="module")
def both(backbone):
    """128 px: 4 x 4 positions with windows of 3 x 3; 5 x 5 regions of 64 px, 16 px apart."""
    return build_model(backbone, 3, "both", region_size=64, region_stride=16, **OPTIONS)


def test_the_sum_is_kept(both):
    rng = np.random.default_rng(0)
    contributions = {
        "pooling": rng.normal(size=(2, 3, 2, 2)),
        "grid_pooling": rng.normal(size=(2, 3, 5, 5)),
    }
    total = sum(values.sum(axis=(2, 3)) for values in contributions.values())
    canvas = heat_map(both, contributions)
    assert canvas.shape == (2, 3, 64, 64)
    np.testing.assert_allclose(canvas.sum(axis=(2, 3)), total, rtol=1e-5)


def test_a_place_is_drawn_around_its_centre(both):
    window, region = np.zeros((1, 1, 2, 2)), np.zeros((1, 1, 5, 5))
    nothing = {"pooling": np.zeros_like(window), "grid_pooling": np.zeros_like(region)}
    window[0, 0, 0, 1] = region[0, 0, 3, 1] = 1.0
    # The window at (0, 1) of a map with positions of 32 px has its centre position at (1, 2).
    rows, columns = np.nonzero(heat_map(both, {**nothing, "pooling": window}, resolution=128)[0, 0])
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (32, 63, 64, 95)
    # The region at (3, 1) begins at (48, 16) px; its centre is 32 px further.
    rows, columns = np.nonzero(
        heat_map(both, {**nothing, "grid_pooling": region}, resolution=128)[0, 0]
    )
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (72, 87, 40, 55)


def test_strongest_regions_are_boxes_of_the_grid(both):
    values = np.zeros((1, 1, 5, 5))
    values[0, 0, 3, 1], values[0, 0, 0, 4], values[0, 0, 2, 2] = 3.0, 2.0, -9.0
    boxes = strongest_regions(both, {"grid_pooling": values}, count=2)
    assert boxes.tolist() == [[[[16, 48, 80, 112], [64, 0, 128, 64]]]]


def test_a_model_without_a_grid_has_no_region_boxes(backbone):
    model = build_model(backbone, 3, "scheme1", feature_channels=8, guidance_channels=8)
    assert strongest_regions(model, {"pooling": np.zeros((2, 1, 2, 2))}).shape == (2, 1, 0, 4)
