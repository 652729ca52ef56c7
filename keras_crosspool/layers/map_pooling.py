"""What the layers share that pool products of feature maps over their positions."""

import keras
from keras import ops

from keras_crosspool.layers.half_range import largest, root_scale, unit, unit_root

_RESIZABLE = (None, "guidance", "features")
_DATA_FORMATS = ("channels_last", "channels_first")


class MapPooling(keras.layers.Layer):
    """Base of the layers that take feature maps and give one descriptor an image.

    It checks the maps, brings them to one grid and to float32, and normalises what a layer pools.
    A layer says how many maps it takes (`least_maps`, `most_maps`, `expected`), pools them in
    `pool`, and tells the shape of what it pooled in `pooled_shape`.

    Args:
        signed_square_root: bool, whether `sign(v) * sqrt(|v|)` is applied to each value.
            Defaults to `True`.
        l2_normalization: bool, whether the whole descriptor gets unit L2 norm last.
            Defaults to `True`.
        resize: `None`, `"guidance"` or `"features"`: which maps are resized (bilinear): all but
            the first one to the grid of the first, or all but the last one to that of the last.
            `None` asks for equal grids. Defaults to `None`.
        data_format: `"channels_last"` or `"channels_first"`. Defaults to
            `keras.config.image_data_format()`.
        epsilon: float, the magnitude below which the signed root is a straight line. Defaults to
            `1e-4`.
        **kwargs: arguments of `keras.layers.Layer`.
    """

    least_maps, most_maps = 1, 2
    expected = "Expected one 4-D feature map, or a pair [features, guidance]"

    def __init__(
        self,
        signed_square_root=True,
        l2_normalization=True,
        resize=None,
        data_format=None,
        epsilon=1e-4,
        **kwargs,
    ):
        super().__init__(autocast=False, **kwargs)
        check_choice("resize", resize, _RESIZABLE)
        self.signed_square_root = signed_square_root
        self.l2_normalization = l2_normalization
        self.resize = resize
        self.data_format = data_format or keras.config.image_data_format()
        check_choice("data_format", self.data_format, _DATA_FORMATS)
        self.epsilon = epsilon

    def add_weight(self, *args, autocast=False, **kwargs):
        """Adds a weight that is not cast to the compute dtype: the sums run in float32."""
        return super().add_weight(*args, autocast=autocast, **kwargs)

    def build(self, input_shape):
        self._check_shapes(input_shape)
        self.built = True

    def call(self, inputs):
        pooled = self.pool(inputs)
        descriptor = self._normalized(pooled, pooled)
        rows, columns = descriptor.shape[1:]
        return ops.cast(ops.reshape(descriptor, (-1, rows * columns)), self.compute_dtype)

    def pool(self, inputs):
        """The sums over positions, before any normalisation.

        Args:
            inputs: list of maps.

        Returns:
            `(batch, rows, columns)` tensor in float32 or wider.
        """
        raise NotImplementedError

    def pooled_shape(self, *channels):
        """The rows and columns of what is pooled from maps of some numbers of channels."""
        raise NotImplementedError

    def pooled_maps(self, inputs):
        """The maps that `pool` multiplies: on one grid, in float32 or wider.

        Where the descriptor does not depend on the scale of the maps, the maps of each image are
        divided by their largest magnitude.

        Args:
            inputs: list of maps.

        Returns:
            List of the maps in float32 or wider.
        """
        maps = inputs if isinstance(inputs, (list, tuple)) else [inputs]
        # Only the first call builds the layer; later maps may lie on other grids.
        self._check_shapes([tuple(each.shape) for each in maps])
        dtype = keras.backend.result_type(self.compute_dtype, "float32")
        maps = [ops.cast(x, dtype) for x in self._on_one_grid(maps)]
        return [x / largest(x, axis=(1, 2, 3)) for x in maps] if self._is_scale_free else maps

    def compute_output_shape(self, input_shape):
        shapes = _as_list(input_shape)
        channels = [shape[self._channel_axis] for shape in shapes]
        if None in channels:
            return (shapes[0][0], None)
        rows, columns = self.pooled_shape(*channels)
        return (shapes[0][0], rows * columns)

    def get_config(self):
        return {
            **super().get_config(),
            "signed_square_root": self.signed_square_root,
            "l2_normalization": self.l2_normalization,
            "resize": self.resize,
            "data_format": self.data_format,
            "epsilon": self.epsilon,
        }

    @property
    def _is_scale_free(self):
        """Whether the descriptor stays the same when a map is multiplied by a positive number."""
        return self.l2_normalization

    @property
    def _channel_axis(self):
        return 1 if self.data_format == "channels_first" else 3

    @property
    def _grid_axes(self):
        return slice(2, 4) if self.data_format == "channels_first" else slice(1, 3)

    def _channels(self, input_shape):
        """The channels of each map of a checked `input_shape`."""
        return [shape[self._channel_axis] for shape in _as_list(input_shape)]

    def _normalized(self, pooled, value):
        """A value, multiplied as the normalisation multiplies the pooled sums."""
        if self.signed_square_root and self.l2_normalization:
            return unit_root(pooled, self.epsilon, value)
        if self.signed_square_root:
            return value * root_scale(pooled, self.epsilon)
        return unit(pooled, value) if self.l2_normalization else value

    def _rows(self, inputs):
        """The maps that `pooled_maps` gives, each as `(batch, positions, channels)`."""
        rows = [self._flatten(x) for x in self.pooled_maps(inputs)]
        if self.data_format == "channels_first":
            rows = [ops.transpose(x, (0, 2, 1)) for x in rows]
        return rows

    def _flatten(self, maps):
        channels = maps.shape[self._channel_axis]
        batch = ops.shape(maps)[0]
        if self.data_format == "channels_first":
            return ops.reshape(maps, (batch, channels, -1))
        return ops.reshape(maps, (batch, -1, channels))

    def _check_shapes(self, input_shape):
        shapes = _as_list(input_shape)
        if not self.least_maps <= len(shapes) <= self.most_maps:
            raise ValueError(f"{self.expected}. Received: input_shape={input_shape}")
        if any(len(shape) != 4 or shape[self._channel_axis] is None for shape in shapes):
            raise ValueError(
                f"{self.expected}, channels known. Received: input_shape={input_shape}"
            )
        grids = [shape[self._grid_axes] for shape in shapes]
        sides = [set(side) - {None} for side in zip(*grids, strict=True)]
        if self.resize is None and any(len(side) > 1 for side in sides):
            raise ValueError(
                "Features and guidance lie on different grids. Resize one of them with "
                '`resize="guidance"` or `resize="features"`, or crop the guidance to the windows '
                f"with `LocalRegions.crop`. Received: input_shape={input_shape}"
            )

    def _on_one_grid(self, maps):
        if self.resize is None:
            return maps
        grid = self._grid(maps[0 if self.resize == "guidance" else -1])
        return [self._resize_to(x, grid) for x in maps]

    def _grid(self, maps):
        return tuple(ops.shape(maps)[self._grid_axes])

    def _resize_to(self, maps, grid):
        if tuple(maps.shape[self._grid_axes]) == grid:
            return maps
        return ops.image.resize(maps, grid, interpolation="bilinear", data_format=self.data_format)


def check_choice(name, value, choices):
    """Raises a `ValueError` if an argument is none of its choices.

    Args:
        name: str, the argument.
        value: what was given.
        choices: tuple of what may be given.
    """
    if value not in choices:
        raise ValueError(f"`{name}` must be one of {choices}. Received: {name}={value!r}")


def _as_list(input_shape):
    """The shapes of a list of maps, or of one map, as a list."""
    if all(isinstance(shape, (tuple, list)) for shape in input_shape):
        return input_shape
    return [input_shape]
