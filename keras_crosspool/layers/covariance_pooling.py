"""Covariance pooling: the matrix square root of the covariance of a map's local features."""

import keras
import numpy as np
from keras import ops

from keras_crosspool.layers.half_range import root_scale
from keras_crosspool.layers.map_pooling import MapPooling
from keras_crosspool.layers.matrix_roots import inverse_root
from keras_crosspool.layers.products import gram
from keras_crosspool.whole_numbers import whole_number


@keras.saving.register_keras_serializable(package="keras_crosspool")
class CovariancePooling(MapPooling):
    """Pools a map to the upper triangle of the square root of its covariance over positions.

    The covariance is divided by its trace, its root is taken by Newton-Schulz iterations, which
    are matrix products alone, and the root is multiplied by the root of the trace. The work grows
    with `D**3`; the paper reduces the map to 256 channels by a 1 x 1 convolution first.

    The sums and the root run in float32 (or wider) whatever the policy. After 5 iterations
    eigenvalues above 2 % of the trace are nearly exact, smaller ones are too small; after 10,
    those above 0.03 %. In float32 more than 16 would amplify rounding errors.

    Args:
        iterations: int, Newton-Schulz iterations. Defaults to `5`, as in the paper.
        signed_square_root: bool, whether `sign(v) * sqrt(|v|)` is applied to each value.
            Defaults to `False`.
        l2_normalization: bool, whether the whole descriptor gets unit L2 norm last.
            Defaults to `False`.
        data_format: `"channels_last"` or `"channels_first"`. Defaults to
            `keras.config.image_data_format()`.
        epsilon: float, the total variance below which the root is a straight line: keeps gradients
            finite at zero. Less than `2**-14` counts as that. Defaults to `1e-4`.
        **kwargs: arguments of `keras.layers.Layer`.

    Input shape:
        A map `(batch, height, width, D)`, or a list of that one; or channels first. Height and
        width may be unknown.

    Output shape:
        `(batch, D * (D + 1) / 2)`, the upper triangle row by row.

    Raises:
        ValueError: if an argument is none of the above, or the input is not one 4-D map.

    Reference:
        Li, Xie, Wang and Gao, "Towards Faster Training of Global Covariance Pooling Networks by
        Iterative Matrix Square Root Normalization", arXiv 1712.01034, section 3.2.

    Example:

    >>> maps = np.random.rand(2, 7, 7, 32).astype("float32")
    >>> tuple(CovariancePooling()(maps).shape)
    (2, 528)
    """

    most_maps = 1
    expected = "Expected one 4-D feature map"

    def __init__(
        self,
        iterations=5,
        signed_square_root=False,
        l2_normalization=False,
        data_format=None,
        epsilon=1e-4,
        **kwargs,
    ):
        super().__init__(signed_square_root, l2_normalization, None, data_format, epsilon, **kwargs)
        self.iterations = whole_number("iterations", iterations, least=1)

    def pool(self, inputs):
        """The upper triangle of the root, before any normalisation.

        Args:
            inputs: the map, or a list of it.

        Returns:
            `(batch, 1, D * (D + 1) / 2)` tensor in float32 or wider.
        """
        (rows,) = self._rows(inputs)
        centred = rows - ops.mean(rows, axis=1, keepdims=True)
        trace = ops.sum(ops.mean(ops.square(centred), axis=1, keepdims=True), axis=2, keepdims=True)
        scale = root_scale(trace, self.epsilon)
        unit_trace = mean_products(centred * scale)
        root = ops.matmul(unit_trace, inverse_root(unit_trace, 2, self.iterations))
        root = root * (trace * scale)
        dims = root.shape[-1]
        upper = np.ravel_multi_index(np.triu_indices(dims), (dims, dims)).astype("int32")
        flat = ops.reshape(root, (-1, dims * dims))
        return ops.reshape(ops.take(flat, upper, axis=1), (-1, 1, len(upper)))

    def pooled_shape(self, dims):
        return 1, dims * (dims + 1) // 2

    def get_config(self):
        config = {**super().get_config(), "iterations": self.iterations}
        del config["resize"]  # there is one map
        return config


def mean_products(rows):
    """The mean over positions of the products of the channels of `(batch, positions, D)`."""
    return gram(rows, rows) / ops.cast(ops.shape(rows)[1], rows.dtype)
