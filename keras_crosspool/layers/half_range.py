"""Normalisation whose values stay within float16, in which many GPUs compute a float32 model.

Float16 ends at 65504, and below `2**-14` many GPUs know nothing but zero. A norm written down as it
is defined leaves that range: sums of squares overflow, and the usual epsilon of 1e-7 is zero.
"""

import math

from keras import ops

# The smallest normal number of float16.
LEAST = 2.0**-14
_MOST = 2.0**14  # what values may grow to: float16 ends at four times that


def largest(x, axis):
    """The largest magnitude along some axes, which stay: what values are divided by.

    A maximum cannot overflow, as the sum behind a mean can. Below 2**-24 it counts as zero, which
    is one instead, so that the gradient stays bounded. What is normalised afterwards does not
    depend on it, so no gradient goes through it.
    """
    return ops.stop_gradient(_or_one(ops.max(ops.abs(x), axis=axis, keepdims=True), steps=3))


def root_scale(x, epsilon):
    """The factor by which the signed square root multiplies values.

    It is `1 / sqrt(|x|)`, and `1 / sqrt(epsilon)` where `|x|` is below `epsilon`: zero stays
    exactly zero, with a finite slope.

    Args:
        x: tensor.
        epsilon: float; no less than `LEAST` is taken.
    """
    return ops.rsqrt(ops.maximum(ops.abs(x), max(epsilon, LEAST)))


def unit_root(x, epsilon, value=None):
    """Gives the signed square root of each example unit L2 norm.

    The squared norm of the root is `sum |x|`. With `s` the mean of `|x|` over the last axis, summed
    over the other ones, `q = x / s * c` has the sum `c d` for a last axis of length d, and the
    result is `q / sqrt(|q|) / sqrt(c d)`. The constant `c` makes the mean of `|q|` one, or less
    where the largest value could leave float16.

    Args:
        x: `(batch, ...)` tensor, all but the batch known.
        epsilon: float, for `root_scale`, as a part of the mean magnitude.
        value: tensor that is multiplied as `x` would be. Defaults to `x`.

    Returns:
        A tensor of the shape of `value`.
    """
    axes = tuple(range(1, len(x.shape)))
    dims, others = x.shape[-1], math.prod(x.shape[1:-1])
    peak = largest(x, axes)
    magnitude = ops.abs(x) / peak
    total = ops.sum(ops.mean(magnitude, axis=-1, keepdims=True), axis=axes[:-1], keepdims=True)
    constant = min(others, _MOST / dims)
    to_constant = constant / _or_one(total, steps=2)
    root = root_scale(magnitude * to_constant, epsilon * constant / others)
    # One after the other: float16 may not hold the product of all factors.
    scaled = (x if value is None else value) / peak * to_constant
    return scaled * (root / math.sqrt(constant * dims))


def unit(x, value=None, per_row=False):
    """Gives each matrix, or each of its rows, unit L2 norm.

    Args:
        x: `(batch, rows, columns)` tensor, rows and columns known.
        value: tensor that is multiplied as `x` would be. Defaults to `x`.
        per_row: bool. Defaults to `False`.

    Returns:
        A tensor of the shape of `value`.
    """
    peak = largest(x, axis=2 if per_row else (1, 2))
    # Of a row that holds the largest value it is one or more, and at most the number of columns.
    energy = ops.sum(ops.square(x / peak), axis=2, keepdims=True)
    rows = 1 if per_row else x.shape[1]
    if not per_row:
        energy = ops.mean(energy, axis=1, keepdims=True)
    scale = ops.rsqrt(ops.maximum(energy, LEAST)) / math.sqrt(rows)
    return (x if value is None else value) / peak * scale


def _or_one(x, steps):
    """`x`, and one where it is zero; in between where it is below `2**(-8 * steps)`.

    Neither a comparison, which phones do not run with the rest, nor a constant that float16 lacks.
    """
    share = x
    for _ in range(steps):
        share = ops.minimum(share, 1.0) * 2.0**8
    return x + (1.0 - ops.minimum(share, 1.0))
