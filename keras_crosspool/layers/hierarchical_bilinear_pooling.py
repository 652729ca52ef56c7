"""Hierarchical bilinear pooling: products of projected maps of several layers."""

import itertools

import keras
from keras import ops

from keras_crosspool.layers.map_pooling import MapPooling
from keras_crosspool.layers.products import projected_products
from keras_crosspool.whole_numbers import whole_number


@keras.saving.register_keras_serializable(package="keras_crosspool")
class HierarchicalBilinearPooling(MapPooling):
    """Projects maps of several layers and sums the products of each two over positions.

    Each map has a trained 1 x 1 projection with bias onto `units` channels. For each pair of maps
    the projections are multiplied and summed over positions. Signed square root and L2 norm follow
    for each pair, then the pairs are concatenated. No projected map is formed where the product of
    the two maps is the cheaper way to the same sums.

    Args:
        units: int, channels of each projection. Defaults to `8192`.
        signed_square_root: bool, whether `sign(v) * sqrt(|v|)` is applied to each value.
            Defaults to `True`.
        l2_normalization: bool, whether each pair gets unit L2 norm last. Defaults to `True`.
        resize: `None`, `"guidance"` or `"features"`: which maps are resized (bilinear): all but
            the first one to the grid of the first, or all but the last one to that of the last.
            `None` asks for equal grids. Defaults to `None`.
        data_format: `"channels_last"` or `"channels_first"`. Defaults to
            `keras.config.image_data_format()`.
        epsilon: float, the magnitude below which the signed root is a straight line, as for
            `CrossLayerPooling`. Defaults to `1e-4`.
        **kwargs: arguments of `keras.layers.Layer`.

    Input shape:
        A list of maps `(batch, height, width, channels)`, or channels first; three in the paper.
        One map alone is paired with itself by two projections. Height and width may be unknown.

    Output shape:
        `(batch, pairs * units)`, in the order (1, 2), (1, 3), ..., (2, 3), ...

    Raises:
        ValueError: if an argument is none of the above, or the maps do not fit together.

    Reference:
        Yu, Zhao, Zheng, Zhang and You, "Hierarchical Bilinear Pooling for Fine-Grained Visual
        Recognition", arXiv 1807.09915, sections 3.1 to 3.3.

    Example:

    >>> maps = [np.random.rand(2, 7, 7, n).astype("float32") for n in (32, 32, 64)]
    >>> tuple(HierarchicalBilinearPooling(256)(maps).shape)
    (2, 768)
    """

    most_maps = 16
    expected = "Expected a list of one to sixteen 4-D feature maps"

    def __init__(
        self,
        units=8192,
        signed_square_root=True,
        l2_normalization=True,
        resize=None,
        data_format=None,
        epsilon=1e-4,
        **kwargs,
    ):
        super().__init__(
            signed_square_root, l2_normalization, resize, data_format, epsilon, **kwargs
        )
        self.units = whole_number("units", units, least=1)

    def build(self, input_shape):
        super().build(input_shape)
        channels = _at_least_two(self._channels(input_shape))
        self.kernels = [
            self.add_weight(name=f"kernel_{i}", shape=(size, self.units))
            for i, size in enumerate(channels)
        ]
        self.biases = [
            self.add_weight(name=f"bias_{i}", shape=(self.units,), initializer="zeros")
            for i in range(len(channels))
        ]

    def pool(self, inputs):
        """The sums over positions of the products of each two projected maps.

        Args:
            inputs: list of maps.

        Returns:
            `(batch, pairs, units)` tensor in float32 or wider.
        """
        # A channel of ones is the bias's.
        margin = ((0, 0), (0, 0), (0, 1))
        maps = [ops.pad(x, margin, constant_values=1.0) for x in _at_least_two(self._rows(inputs))]
        kernels = [
            ops.cast(ops.concatenate([kernel, ops.reshape(bias, (1, -1))]), maps[0].dtype)
            for kernel, bias in zip(self.kernels, self.biases, strict=True)
        ]
        return ops.stack(projected_products(maps, kernels, _pairs(len(maps))), axis=1)

    def pooled_shape(self, *channels):
        return len(_pairs(max(2, len(channels)))), self.units

    def get_config(self):
        return {**super().get_config(), "units": self.units}

    @property
    def _is_scale_free(self):
        return False  # the biases are not scaled

    def _normalized(self, pooled, value):
        pairs = []
        for i in range(pooled.shape[1]):
            pair = slice(i, i + 1)
            pairs.append(super()._normalized(pooled[:, pair], value[:, pair]))
        return ops.concatenate(pairs, axis=1)


def _at_least_two(values):
    return list(values) * 2 if len(values) == 1 else list(values)


def _pairs(count):
    return list(itertools.combinations(range(count), 2))
