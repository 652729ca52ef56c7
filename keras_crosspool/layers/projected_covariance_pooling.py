"""Projected covariance pooling: trained directions of a map's covariance, in a short descriptor."""

import keras
from keras import ops

from keras_crosspool.layers.half_range import LEAST, root_scale
from keras_crosspool.layers.map_pooling import MapPooling, check_choice
from keras_crosspool.layers.products import projected_products
from keras_crosspool.whole_numbers import whole_number

_TRANSFORMS = ("sqrt", "log")


@keras.saving.register_keras_serializable(package="keras_crosspool")
class ProjectedCovariancePooling(MapPooling):
    """Pools a map to the variances of its local features along trained directions.

    With the covariance `S` of the local features over positions, value `j` of the descriptor is::

        scale_j * f(w_j^T S w_j) + offset_j

    with the trained directions `w_j` as the columns of a kernel, the square root or the logarithm
    as `f`, and a trained scale and offset. The variances of normal features follow a chi-square
    distribution; `f` makes it nearly normal. The covariance is formed only where that is cheaper
    than to project every position.

    Args:
        units: int, length of the descriptor. Defaults to `2048`.
        transform: `"sqrt"` or `"log"`. Defaults to `"sqrt"`.
        data_format: `"channels_last"` or `"channels_first"`. Defaults to
            `keras.config.image_data_format()`.
        epsilon: float, the variance below which the root is a straight line, and which is added
            before the logarithm. Less than `2**-14` counts as that. Defaults to `1e-4`.
        **kwargs: arguments of `keras.layers.Layer`.

    Input shape:
        A map `(batch, height, width, D)`, or a list of that one; or channels first. Height and
        width may be unknown.

    Output shape:
        `(batch, units)`.

    Raises:
        ValueError: if an argument is none of the above, or the input is not one 4-D map.

    Reference:
        Yu and Salzmann, "Statistically-motivated Second-order Pooling", arXiv 1801.07492, section
        3 (parametric vectorization, transformation, scale and offset); constants of the
        transformation are part of scale and offset here.

    Example:

    >>> maps = np.random.rand(2, 7, 7, 32).astype("float32")
    >>> tuple(ProjectedCovariancePooling(64)(maps).shape)
    (2, 64)
    """

    most_maps = 1
    expected = "Expected one 4-D feature map"

    def __init__(self, units=2048, transform="sqrt", data_format=None, epsilon=1e-4, **kwargs):
        super().__init__(False, False, None, data_format, epsilon, **kwargs)
        check_choice("transform", transform, _TRANSFORMS)
        self.units = whole_number("units", units, least=1)
        self.transform = transform

    def build(self, input_shape):
        super().build(input_shape)
        (channels,) = self._channels(input_shape)
        self.kernel = self.add_weight(name="kernel", shape=(channels, self.units))
        self.scale = self.add_weight(name="scale", shape=(self.units,), initializer="ones")
        self.offset = self.add_weight(name="offset", shape=(self.units,), initializer="zeros")

    def pool(self, inputs):
        """The variances along the directions, before the transformation.

        Args:
            inputs: the map, or a list of it.

        Returns:
            `(batch, 1, units)` tensor in float32 or wider.
        """
        (rows,) = self._rows(inputs)
        centred = rows - ops.mean(rows, axis=1, keepdims=True)
        kernel = ops.cast(self.kernel, rows.dtype)
        (sums,) = projected_products([centred], [kernel], [(0, 0)])
        variances = sums / ops.cast(ops.shape(rows)[1], rows.dtype)
        return ops.reshape(variances, (-1, 1, self.units))

    def pooled_shape(self, channels):
        return 1, self.units

    def get_config(self):
        config = super().get_config()
        for name in ("signed_square_root", "l2_normalization", "resize"):
            del config[name]
        return {**config, "units": self.units, "transform": self.transform}

    def _normalized(self, pooled, value):
        if self.transform == "sqrt":
            spread = value * root_scale(pooled, self.epsilon)
        else:
            spread = ops.log(ops.maximum(value, 0.0) + max(self.epsilon, LEAST))
        scale, offset = (ops.cast(x, spread.dtype) for x in (self.scale, self.offset))
        return spread * scale + offset
