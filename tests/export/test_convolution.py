"""Rounded weights: what they shift, against TensorFlow's convolutions; and what fits 16 bits."""

import numpy as np
import pytest
import tensorflow as tf

from keras_crosspool.exporting.convolution import LEVELS, Convolution, paired_steps, plain_steps

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


def _saturates(kernel, steps):
    """Whether 16 bits fail to hold a sum of two products, as a routine takes them, two by two."""
    whole = np.rint(kernel / steps[:, None, None, None]).astype("int64")
    found = []
    for channel in whole:
        by_position = [
            list(row) + [0] * (len(row) % 2) for row in channel.reshape(-1, channel.shape[2])
        ]
        rows = [
            channel.ravel().tolist(),
            [weight for row in by_position for weight in row],
            channel.transpose(2, 0, 1).ravel().tolist(),
        ]
        for row in rows:
            row += [0] * (len(row) % 2)
            for a, b in zip(row[0::2], row[1::2], strict=True):
                # The greatest and the least sum that values from 0 to 255 can make of them.
                found += [255 * (max(a, 0) + max(b, 0)), 255 * (min(a, 0) + min(b, 0))]
    limits = np.iinfo("int16")
    return min(found) < limits.min or max(found) > limits.max


@pytest.mark.parametrize("shape", [(40, 1, 1, 32), (16, 3, 3, 8), (8, 3, 3, 3)])
def test_pairs_fit_sixteen_bits(shape):
    kernel = _RNG.standard_t(3, shape)
    assert not _saturates(kernel, paired_steps(kernel))
    assert _saturates(kernel, plain_steps(kernel))


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
