"""A heat map over its photograph: the formula, pixel by pixel."""

import numpy as np

from keras_crosspool.evaluation.overlay import overlay, resized


def test_each_pixel_is_mixed_by_the_strength_of_its_value():
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (8, 8, 3), "uint8")
    values = rng.normal(size=(8, 8))
    found = overlay(image, values, limit=2.0, side=8)
    for (row, column), value in np.ndenumerate(values):
        colour = np.array([232, 89, 12] if value > 0 else [28, 126, 214])
        strength = 0.75 * min(abs(value) / 2.0, 1)
        expected = (1 - strength) * image[row, column].mean() + strength * colour
        np.testing.assert_allclose(found[row, column], expected, atol=0.51)


def test_a_heat_map_of_zeros_is_the_photograph_in_gray():
    image = np.full((4, 4, 3), [30, 60, 90], "uint8")
    assert (overlay(image, np.zeros((2, 2)), limit=0.0, side=4) == 60).all()


def test_another_size_keeps_what_stands_where():
    image = np.zeros((40, 40, 3), "uint8")
    image[:20, 20:] = 200
    small = resized(image, 4)
    assert small.shape == (4, 4, 3)
    assert (small[0, 3] == 200).all()
    assert not small[3].any()
