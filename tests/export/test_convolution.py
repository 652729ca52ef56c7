"""Rounded weights: what they shift, against TensorFlow's convolutions; and what fits 16 bits."""

import numpy as np
import pytest
import tensorflow as tf

from export.convolution import LEVELS, Convolution, paired_steps, plain_steps

_RNG = np.random.default_rng(0)


def _rounded(kernel, steps):
    return np.rint(kernel / steps[:, None, None, None]) * steps[:, None, None, None]


@pytest.mark.parametrize("groups", [1, 2, 6])
@pytest.mark.parametrize(
    ("size", "stride", "dilation", "padding"),
    [
        (1, 1, 1, "VALID"),
        (3, 1, 1, "VALID"),
        (3, 2, 1, "SAME"),
        (5, 2, 1, "SAME"),
        (3, 1, 2, "SAME"),
    ],
)
def test_the_shift_is_that_of_the_mean_output(groups, size, stride, dilation, padding):
    maps = _RNG.uniform(0, 6, (2, 10, 9, 6)).astype("float32")
    kernel = _RNG.normal(size=(12, size, size, 6 // groups)).astype("float32")
    steps = plain_steps(kernel)
    convolution = Convolution(
        source="maps",
        kernel=kernel,
        steps=steps,
        strides=(stride, stride),
        dilations=(dilation, dilation),
        padding=None if padding == "SAME" else ((0, 0), (0, 0)),
    )
    before, after = (
        tf.nn.conv2d(maps, k.transpose(1, 2, 3, 0), stride, padding, dilations=dilation)
        for k in (kernel, _rounded(kernel, steps).astype("float32"))
    )
    expected = tf.reduce_mean(after - before, (0, 1, 2))
    found = convolution.shift(convolution.mean_patch(maps))
    # A channel of one weight has no error.
    assert np.abs(expected).max() > 1e-3 or kernel[0].size == 1
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_explicit_padding():
    maps = _RNG.normal(size=(1, 5, 5, 2)).astype("float32")
    kernel = _RNG.normal(size=(3, 3, 3, 2)).astype("float32")
    padded = np.pad(maps, ((0, 0), (2, 0), (1, 1), (0, 0)))
    found, expected = (
        Convolution("x", kernel, plain_steps(kernel), padding=padding).mean_patch(values)
        for values, padding in ((maps, ((2, 0), (1, 1))), (padded, ((0, 0), (0, 0))))
    )
    np.testing.assert_allclose(found, expected, atol=1e-6)


def _largest_sum_of_a_pair(kernel, steps):
    """Of two whole weights in a row times 255, both ways in which a row may be laid out."""
    whole = np.rint(kernel / steps[:, None, None, None]).astype("int64")
    sums = []
    for order in (whole, whole.transpose(0, 3, 1, 2)):
        row = order.reshape(len(order), -1)
        sums += [255 * (part[:, 1:] + part[:, :-1]) for part in (row.clip(0), (-row).clip(0))]
    return max(part.max() for part in sums)


@pytest.mark.parametrize("shape", [(40, 1, 1, 32), (16, 3, 3, 8), (8, 3, 3, 3)])
def test_pairs_fit_sixteen_bits(shape):
    kernel = _RNG.standard_t(3, shape)
    assert _largest_sum_of_a_pair(kernel, paired_steps(kernel)) <= np.iinfo("int16").max
    assert _largest_sum_of_a_pair(kernel, plain_steps(kernel)) > np.iinfo("int16").max


def test_steps_use_all_levels_that_they_may():
    kernel = _RNG.normal(size=(8, 1, 1, 24))
    np.testing.assert_allclose(plain_steps(kernel) * LEVELS, np.abs(kernel).max((1, 2, 3)))
    assert np.all(paired_steps(kernel) >= plain_steps(kernel))
    assert np.all(paired_steps(kernel) <= 2 * plain_steps(kernel))
    depthwise = _RNG.normal(size=(8, 3, 3, 1))
    np.testing.assert_array_equal(paired_steps(depthwise), plain_steps(depthwise))


@pytest.mark.parametrize("steps", [plain_steps, paired_steps])
def test_dead_channels_have_a_step(steps):
    kernel = np.zeros((2, 1, 1, 4))
    assert np.all(steps(kernel) > 0)
