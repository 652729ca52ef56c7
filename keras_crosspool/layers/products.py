"""Sums over positions of products of local features, without a product at each position."""

import math

import keras
from keras import ops


def gram(features, guidance):
    """The sums over positions `A^T X`, one batched matrix product.

    Args:
        features: `(batch, positions, D)`.
        guidance: `(batch, positions, K)`.

    Returns:
        `(batch, K, D)`.
    """
    return ops.matmul(ops.transpose(guidance, (0, 2, 1)), features)


def projected_products(maps, kernels, pairs):
    """The sums over positions `sum_i (x_i U) * (y_i V)` of pairs of projected maps.

    They are `sum over the rows of (G V) * U` too, with the Gram product `G = X^T Y`. Both ways are
    exact. The one with fewer multiplications is taken: the Gram product where positions are many,
    or not known.

    Args:
        maps: list of `(batch, positions, channels)`.
        kernels: list of `(channels, units)`, the projection of each map.
        pairs: list of pairs of indices into them.

    Returns:
        List of `(batch, units)`, one a pair.
    """
    if _gram_is_cheaper([x.shape[1] for x in maps], [tuple(u.shape) for u in kernels], pairs):
        return [_by_gram(maps[i], maps[j], kernels[i], kernels[j]) for i, j in pairs]
    projected = [ops.matmul(x, u) for x, u in zip(maps, kernels, strict=True)]
    return [ops.sum(projected[i] * projected[j], axis=1) for i, j in pairs]


def count_sketch(values, entries, bins):
    """Sums values by bin, by a gather that every runtime has.

    The gradient is a gather as well: that of a value is that of its bin.

    Args:
        values: `(batch, n)`.
        entries: int `(units, width)`, the indices of the values of each bin, filled up with that
            of a value that is zero.
        bins: function without arguments that gives the bin of each value, int `(n,)`.

    Returns:
        `(batch, units)`.
    """
    units, width = entries.shape
    flat = ops.reshape(entries, (units * width,))

    def gather(values, indices):
        # With the batch last, what lies together is read together.
        return ops.take(ops.transpose(values), indices, axis=0)

    def forward(values):
        gathered = ops.reshape(gather(values, flat), (units, width, -1))

        def backward(*arguments, upstream=None):
            # PyTorch hands over the values, and the gradient by its name.
            upstream = arguments[0] if upstream is None else upstream
            return ops.transpose(gather(upstream, bins()))

        return ops.transpose(ops.sum(gathered, axis=1)), backward

    if keras.backend.backend() == "numpy":  # it has no gradients, and warns of them
        return forward(values)[0]
    return ops.custom_gradient(forward)(values)


def _by_gram(x, y, u, v):
    """Multiplies on the side that leaves the smaller matrix."""
    product = gram(y, x)  # (batch, channels of x, channels of y)
    if u.shape[0] > v.shape[0]:
        product, u, v = ops.transpose(product, (0, 2, 1)), v, u
    return ops.sum(ops.matmul(product, v) * u, axis=1)


def _gram_is_cheaper(positions, kernels, pairs):
    if None in positions:
        return True
    units = kernels[0][1]
    by_position = positions[0] * sum(channels for channels, _ in kernels) * units
    areas = [math.prod(kernels[i][0] for i in pair) for pair in pairs]
    return sum(area * (positions[0] + units) for area in areas) < by_position
