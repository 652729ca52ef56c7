"""Normalisation whose values stay within float16, in which many GPUs compute a float32 model.

Float16 ends at 65504, and below `2**-14` many GPUs know nothing but zero. A norm written down as it
is defined leaves that range: sums of squares overflow, and the usual epsilon of 1e-7 is zero.
"""

import math

from keras import ops

# The smallest normal number of float16.
LEAST = 2.0**-14


def largest(x, axis):
    """The largest magnitude along some axes, which stay; no less than `LEAST`.

    A maximum cannot overflow, as the sum behind a mean can.
    """
    return ops.maximum(ops.max(ops.abs(x), axis=axis, keepdims=True), LEAST)


def root_scale(x, epsilon):
    """The factor by which the signed square root multiplies values.

    It is `1 / sqrt(|x|)`, and `1 / sqrt(epsilon)` where `|x|` is below `epsilon`: zero stays
    exactly zero, with a finite slope.

    Args:
        x: tensor.
        epsilon: float; no less than `LEAST` is taken.
    """
    return ops.rsqrt(ops.maximum(ops.abs(x), max(epsilon, LEAST)))


def unit_root_factors(x, epsilon):
    """The factors that give the signed square root of each example unit L2 norm.

    The squared norm of the root is `sum |x|`, which is `n * mean |x|`. With `q = x / mean |x|` the
    result is `q / sqrt(|q|) / sqrt(n)`.

    Args:
        x: `(batch, ...)` tensor, all but the batch known.
        epsilon: float, for `root_scale` of `q`.

    Returns:
        Two tensors to multiply by one after the other: float16 may not hold their product.
    """
    mean = ops.abs(x)
    # One axis after the other: float16 may not hold the sum of all values.
    for axis in range(len(x.shape) - 1, 0, -1):
        mean = ops.mean(mean, axis=axis, keepdims=True)
    to_mean = 1.0 / ops.maximum(mean, LEAST)
    return to_mean, root_scale(x * to_mean, epsilon) / math.sqrt(math.prod(x.shape[1:]))


def unit_factors(x, per_row=False):
    """The factors that give each matrix, or each of its rows, unit L2 norm.

    Args:
        x: `(batch, rows, columns)` tensor, rows and columns known.
        per_row: bool. Defaults to `False`.

    Returns:
        Two tensors to multiply by one after the other: float16 may not hold their product.
    """
    to_largest = 1.0 / largest(x, axis=2 if per_row else (1, 2))
    # Of a row that holds the largest value it is one or more, and at most the number of columns.
    energy = ops.sum(ops.square(x * to_largest), axis=2, keepdims=True)
    rows = 1 if per_row else x.shape[1]
    if not per_row:
        energy = ops.mean(energy, axis=1, keepdims=True)
    return to_largest, ops.rsqrt(ops.maximum(energy, LEAST)) / math.sqrt(rows)
