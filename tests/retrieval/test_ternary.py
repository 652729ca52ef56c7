"""Sign quantisation against a derivation that sorts."""

import numpy as np
import pytest

from keras_crosspool.retrieval import ternarize


@pytest.mark.parametrize("share", [0.01, 0.1, 0.25, 0.5, 1.0])
@pytest.mark.parametrize("dims", [1, 7, 100, 1280])
def test_keeps_the_signs_of_the_largest(dims, share):
    descriptors = np.random.default_rng(0).normal(size=(5, dims)).astype("float32")
    kept = max(1, round(share * dims))
    expected = np.zeros((5, dims), int)
    for row, descriptor in zip(expected, descriptors, strict=True):
        for place in sorted(range(dims), key=lambda i: abs(descriptor[i]))[-kept:]:
            row[place] = 1 if descriptor[place] > 0 else -1
    ternary = ternarize(descriptors, share)
    assert ternary.dtype == "int8"
    np.testing.assert_array_equal(ternary, expected)


def test_a_tenth_by_default_whatever_the_scale():
    descriptors = np.random.default_rng(0).normal(size=(3, 1000))
    ternary = ternarize(descriptors)
    np.testing.assert_array_equal((ternary != 0).sum(axis=1), 100)
    np.testing.assert_array_equal(ternary, ternarize(descriptors * [[1e-6], [1], [1e6]]))


def test_zeros_stay_zero_and_ties_stay_together():
    descriptors = np.array([[0, 0, 0, 2.0], [3, -3, 1, 3], [0, 0, 0, 0]])
    assert ternarize(descriptors, 0.5).tolist() == [[0, 0, 0, 1], [1, -1, 0, 1], [0, 0, 0, 0]]


@pytest.mark.parametrize("share", [0, -0.1, 1.1, float("nan")])
def test_a_share_that_is_none_is_refused(share):
    with pytest.raises(ValueError, match=r"above 0 and up to 1\. Received"):
        ternarize(np.ones((1, 4)), share)
