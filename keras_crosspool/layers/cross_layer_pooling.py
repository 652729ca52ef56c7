"""Cross-layer pooling: one layer's local features, weighted by another layer's activations."""

import keras
from keras import ops

from keras_crosspool.layers.half_range import unit
from keras_crosspool.layers.map_pooling import MapPooling


@keras.saving.register_keras_serializable(package="keras_crosspool")
class CrossLayerPooling(MapPooling):
    """Pools local features with each guidance channel as the pooling weights.

    For features `x` and guidance `a` on the same grid, guidance channel `k` pools::

        P_k = sum over positions i of a[i, k] * x[i]

    and the descriptor is `[P_1; ...; P_K]`. That is the matrix product `A^T X`, one batched GEMM;
    no per-position product is ever formed. The sums, the square root and the norms run in float32
    (or wider) whatever the policy, and the descriptor is cast to the compute dtype at the end.

    Many GPUs compute a float32 model in float16, which ends at 65504 and whose normal numbers begin
    at `2**-14`. So where the descriptor is normalised, both maps are divided by their largest
    magnitude first. That does not change the descriptor, and no sum is larger than the number of
    positions. With `m` the mean of `|P|` over its n values and `q = P / m`::

        sign(P) sqrt(|P|) / sqrt(sum |P|) = q / sqrt(|q|) / sqrt(n)

    and every intermediate value stays within float16, whatever the magnitude of the maps. A map
    with no magnitude above `2**-24` counts as zero.

    Bilinear pooling of one map, as of Lin, RoyChowdhury and Maji (arXiv 1504.07889, section 3), is
    this layer on `[x, x]`.

    Args:
        block_normalization: bool, whether each `P_k` gets unit L2 norm first.
            Defaults to `False`.
        signed_square_root: bool, whether `sign(v) * sqrt(|v|)` is applied to each value.
            Defaults to `True`.
        l2_normalization: bool, whether the whole descriptor gets unit L2 norm last.
            Defaults to `True`.
        resize: `None`, `"guidance"` or `"features"`: which map is resized (bilinear) to the
            other's grid. `None` asks for equal grids. Defaults to `None`.
        data_format: `"channels_last"` or `"channels_first"`. Defaults to
            `keras.config.image_data_format()`.
        epsilon: float, the magnitude below which the signed root is a straight line: keeps
            gradients finite at zero. It is a part of the mean magnitude where the descriptor gets
            unit norm. Less than `2**-14` counts as that. Defaults to `1e-4`.
        **kwargs: arguments of `keras.layers.Layer`.

    Input shape:
        A pair `[features, guidance]`: `(batch, height, width, D)` and `(batch, height, width, K)`,
        or channels first. Height and width may be unknown.

    Output shape:
        `(batch, K * D)`, guidance-major: `P_k` stands at `[k * D, (k + 1) * D)`.

    Raises:
        ValueError: if `resize` or `data_format` is none of the above, the inputs are not two 4-D
            maps, or their grids differ with `resize=None`.

    Reference:
        Liu, Shen and van den Hengel, "Cross-convolutional-layer Pooling for Image Recognition",
        arXiv 1510.00921.

    Example:

    >>> features = np.random.rand(2, 7, 7, 320).astype("float32")
    >>> guidance = np.random.rand(2, 7, 7, 64).astype("float32")
    >>> tuple(CrossLayerPooling()([features, guidance]).shape)
    (2, 20480)
    """

    least_maps = most_maps = 2
    expected = "Expected a pair [features, guidance] of 4-D feature maps"

    def __init__(
        self,
        block_normalization=False,
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
        self.block_normalization = block_normalization

    def pool(self, inputs):
        """The sums `A^T X` of the pair that `pooled_maps` gives, before any normalisation.

        Args:
            inputs: the pair `[features, guidance]`.

        Returns:
            `(batch, K, D)` tensor in float32 or wider.
        """
        features, guidance = map(self._flatten, self.pooled_maps(inputs))
        if self.data_format == "channels_first":
            return ops.matmul(guidance, ops.transpose(features, (0, 2, 1)))
        return ops.matmul(ops.transpose(guidance, (0, 2, 1)), features)

    def pooled_shape(self, features, guidance):
        return guidance, features

    def normalization_scale(self, pooled):
        """The positive factor by which the normalisation multiplies each pooled sum.

        Held at its value it makes the descriptor linear in the positions, which is what turns a
        class score into an exact sum over positions.

        Args:
            pooled: `(batch, K, D)` tensor, from `pool`.

        Returns:
            `(batch, K, D)` tensor.
        """
        return self._normalized(pooled, ops.ones_like(pooled))

    def get_config(self):
        return {**super().get_config(), "block_normalization": self.block_normalization}

    @property
    def _is_scale_free(self):
        return self.block_normalization or self.l2_normalization

    def _normalized(self, pooled, value):
        if self.block_normalization:
            pooled, value = (unit(pooled, x, per_row=True) for x in (pooled, value))
        return super()._normalized(pooled, value)
