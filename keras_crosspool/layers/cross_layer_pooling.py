"""Cross-layer pooling: one layer's local features, weighted by another layer's activations."""

import keras
from keras import ops

from keras_crosspool.layers.half_range import largest, root_scale, unit, unit_root

_RESIZABLE = (None, "guidance", "features")
_DATA_FORMATS = ("channels_last", "channels_first")


@keras.saving.register_keras_serializable(package="keras_crosspool")
class CrossLayerPooling(keras.layers.Layer):
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

    Args:
        block_normalization: bool, whether each `P_k` gets unit L2 norm first.
            Defaults to `False`.
        signed_square_root: bool, whether `sign(v) * sqrt(|v|)` is applied to each number.
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
        super().__init__(autocast=False, **kwargs)
        if resize not in _RESIZABLE:
            raise ValueError(f"`resize` must be one of {_RESIZABLE}. Received: resize={resize!r}")
        self.block_normalization = block_normalization
        self.signed_square_root = signed_square_root
        self.l2_normalization = l2_normalization
        self.resize = resize
        self.data_format = data_format or keras.config.image_data_format()
        if self.data_format not in _DATA_FORMATS:
            raise ValueError(
                f"`data_format` must be one of {_DATA_FORMATS}. "
                f"Received: data_format={data_format!r}"
            )
        self.epsilon = epsilon

    def build(self, input_shape):
        self._check_shapes(input_shape)
        self.built = True

    def call(self, inputs):
        pooled = self.pool(inputs)
        descriptor = self._normalized(pooled, pooled)
        channels, dims = descriptor.shape[1:]
        return ops.cast(ops.reshape(descriptor, (-1, channels * dims)), self.compute_dtype)

    def pooled_maps(self, inputs):
        """The two maps that `pool` multiplies: on one grid, in float32 or wider.

        Where the descriptor does not depend on the scale of the maps, both maps of each image are
        divided by their largest magnitude.

        Args:
            inputs: the pair `[features, guidance]`.

        Returns:
            The pair in float32 or wider.
        """
        # Only the first call builds the layer; later maps may lie on other grids.
        self._check_shapes([tuple(maps.shape) for maps in inputs])
        dtype = keras.backend.result_type(self.compute_dtype, "float32")
        maps = [ops.cast(x, dtype) for x in self._on_one_grid(*inputs)]
        if not (self.block_normalization or self.l2_normalization):
            return maps
        return [x / largest(x, axis=(1, 2, 3)) for x in maps]

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

    def compute_output_shape(self, input_shape):
        features, guidance = input_shape
        dims, channels = features[self._channel_axis], guidance[self._channel_axis]
        known = dims is not None and channels is not None
        return (features[0], channels * dims if known else None)

    def get_config(self):
        return {
            **super().get_config(),
            "block_normalization": self.block_normalization,
            "signed_square_root": self.signed_square_root,
            "l2_normalization": self.l2_normalization,
            "resize": self.resize,
            "data_format": self.data_format,
            "epsilon": self.epsilon,
        }

    @property
    def _channel_axis(self):
        return 1 if self.data_format == "channels_first" else 3

    @property
    def _grid_axes(self):
        return slice(2, 4) if self.data_format == "channels_first" else slice(1, 3)

    def _normalized(self, pooled, value):
        """A value, multiplied as the normalisation multiplies the pooled sums."""
        if self.block_normalization:
            pooled, value = (unit(pooled, x, per_row=True) for x in (pooled, value))
        if self.signed_square_root and self.l2_normalization:
            return unit_root(pooled, self.epsilon, value)
        if self.signed_square_root:
            return value * root_scale(pooled, self.epsilon)
        return unit(pooled, value) if self.l2_normalization else value

    def _check_shapes(self, input_shape):
        expected = "Expected a pair [features, guidance] of 4-D feature maps"
        if len(input_shape) != 2 or any(not isinstance(s, (tuple, list)) for s in input_shape):
            raise ValueError(f"{expected}. Received: input_shape={input_shape}")
        if any(len(shape) != 4 or shape[self._channel_axis] is None for shape in input_shape):
            raise ValueError(f"{expected}, channels known. Received: input_shape={input_shape}")
        grids = [shape[self._grid_axes] for shape in input_shape]
        differ = any(None not in pair and pair[0] != pair[1] for pair in zip(*grids, strict=True))
        if differ and self.resize is None:
            raise ValueError(
                "Features and guidance lie on different grids. Resize one of them with "
                '`resize="guidance"` or `resize="features"`, or crop the guidance to the windows '
                f"with `LocalRegions.crop`. Received: input_shape={input_shape}"
            )

    def _on_one_grid(self, features, guidance):
        if self.resize == "guidance":
            guidance = self._resize_to(guidance, self._grid(features))
        elif self.resize == "features":
            features = self._resize_to(features, self._grid(guidance))
        return features, guidance

    def _grid(self, maps):
        return tuple(ops.shape(maps)[self._grid_axes])

    def _resize_to(self, maps, grid):
        if tuple(maps.shape[self._grid_axes]) == grid:
            return maps
        return ops.image.resize(maps, grid, interpolation="bilinear", data_format=self.data_format)

    def _flatten(self, maps):
        channels = maps.shape[self._channel_axis]
        batch = ops.shape(maps)[0]
        if self.data_format == "channels_first":
            return ops.reshape(maps, (batch, channels, -1))
        return ops.reshape(maps, (batch, -1, channels))
