"""The second-order layers as their papers write them down, in `keras.ops`.

Each function takes a layer, whose weights it uses, and rows `(batch, positions, channels)` of its
maps, and gives what the layer gives without signed square root and L2 norm.
"""

import itertools
import math

import numpy as np
from keras import ops


def outer_products(_, features, guidance):
    """An outer product at each position, summed."""
    products = ops.expand_dims(guidance, 3) * ops.expand_dims(features, 2)
    sums = ops.sum(products, axis=1)
    return ops.reshape(sums, (-1, guidance.shape[2] * features.shape[2]))


def fft_at_each_position(layer, features, guidance):
    """Tensor Sketch: two count sketches at each position, convolved by FFT, then summed."""
    product = _frequencies(layer, features, guidance)
    return ops.sum(ops.irfft(product, fft_length=layer.units), axis=1)


def fft_summed_first(layer, features, guidance):
    """The same with one inverse FFT an image: frequencies are summed, as the FFT is linear."""
    real, imaginary = (ops.sum(x, axis=1) for x in _frequencies(layer, features, guidance))
    return ops.irfft((real, imaginary), fft_length=layer.units)


def _frequencies(layer, features, guidance):
    weights = {weight.name: weight for weight in layer.weights}
    transforms = []
    for rows, name in ((features, "features"), (guidance, "guidance")):
        signed = rows * ops.convert_to_tensor(weights[f"{name}_signs"])
        batch, positions, channels = signed.shape
        by_channel = ops.transpose(ops.reshape(signed, (batch * positions, channels)))
        bins = ops.convert_to_tensor(weights[f"{name}_bins"])
        sketch = ops.transpose(ops.segment_sum(by_channel, bins, num_segments=layer.units))
        transforms.append(ops.rfft(ops.reshape(sketch, (batch, positions, layer.units))))
    (a, b), (c, d) = transforms
    return a * c - b * d, a * d + b * c


def signs_at_each_position(layer, features, guidance):
    """Random Maclaurin: both maps projected at each position, multiplied, summed."""
    u, v = (ops.convert_to_tensor(weight) for weight in layer.weights)
    return ops.sum(ops.matmul(features, u) * ops.matmul(guidance, v), axis=1) / math.sqrt(
        layer.units
    )


def projections_at_each_position(layer, *maps):
    """Hierarchical: every map projected at each position, each two multiplied, summed."""
    projected = [
        ops.matmul(x, kernel) + bias
        for x, kernel, bias in zip(maps, layer.kernels, layer.biases, strict=True)
    ]
    pairs = itertools.combinations(projected, 2)
    return ops.concatenate([ops.sum(x * y, axis=1) for x, y in pairs], axis=1)


def covariance_by_eigenvalues(_, rows):
    """The root of the covariance from its eigenvalues, upper triangle."""
    values, vectors = ops.eigh(_covariance(rows))
    roots = ops.sqrt(ops.maximum(values, 1e-7))
    root = ops.matmul(vectors * ops.expand_dims(roots, 1), ops.transpose(vectors, (0, 2, 1)))
    dims = rows.shape[2]
    upper = np.ravel_multi_index(np.triu_indices(dims), (dims, dims))
    return ops.take(ops.reshape(root, (-1, dims * dims)), upper, axis=1)


def root_by_singular_values(_, features, guidance):
    """The sums of outer products with the roots of their singular values."""
    sums = ops.matmul(ops.transpose(guidance, (0, 2, 1)), features)
    left, values, right = ops.svd(sums, full_matrices=False)
    root = ops.matmul(left * ops.expand_dims(ops.sqrt(values), 1), right)
    return ops.reshape(root, (-1, guidance.shape[2] * features.shape[2]))


def covariance_first(layer, rows):
    """Variances along directions, from the covariance matrix."""
    projected = ops.matmul(_covariance(rows), layer.kernel)
    variances = ops.sum(projected * ops.convert_to_tensor(layer.kernel), axis=1)
    return ops.sqrt(ops.maximum(variances, 1e-7)) * layer.scale + layer.offset


def _covariance(rows):
    centred = rows - ops.mean(rows, axis=1, keepdims=True)
    return ops.matmul(ops.transpose(centred, (0, 2, 1)), centred) / rows.shape[1]
