"""The measure of blur: by its formula, and that it rises with blur and not with contrast."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from keras_crosspool.numerics.blur import blur


def _left_by_loops(lines):
    """The share of differences along each line that a mean of five pixels leaves."""
    sharp = lost = 0.0
    for line in lines:
        padded = [line[1], line[0], *line, line[-1], line[-2]]  # reflected at the ends
        means = [sum(padded[i : i + 5]) / 5 for i in range(len(line))]
        for i in range(1, len(line)):
            difference = abs(line[i] - line[i - 1])
            sharp += difference
            lost += max(0.0, difference - abs(means[i] - means[i - 1]))
    return 1 - lost / sharp


def test_by_loops():
    gray = np.random.default_rng(0).integers(0, 256, (12, 17)).astype(float)
    expected = min(_left_by_loops(gray.tolist()), _left_by_loops(gray.T.tolist()))
    assert blur(gray) == pytest.approx(expected, abs=1e-5)


def test_rises_with_blur_and_not_with_contrast():
    gray = np.random.default_rng(1).random((64, 64)) * 255
    found = [blur(gaussian_filter(gray, sigma)) for sigma in (0.01, 1, 2, 4)]
    assert found == sorted(found)
    assert found[-1] > 0.8 > 0.4 > found[0]
    assert blur(gray / 10) == pytest.approx(blur(gray), abs=1e-5)


def test_one_gray_level_is_not_called_blurred():
    assert blur(np.full((8, 8), 7)) == 0
