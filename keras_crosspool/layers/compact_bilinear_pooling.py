"""Compact bilinear pooling: second-order sums in a short descriptor, by a random sketch."""

import math

import keras
import numpy as np
from keras import ops

from keras_crosspool.layers.map_pooling import MapPooling, check_choice
from keras_crosspool.layers.products import count_sketch, gram, projected_products
from keras_crosspool.whole_numbers import whole_number

_METHODS = ("tensor_sketch", "random_maclaurin")
_NAMES = ("features", "guidance")


@keras.saving.register_keras_serializable(package="keras_crosspool")
class CompactBilinearPooling(MapPooling):
    """Sketches the products of two maps, summed over positions, into a short descriptor.

    The inner product of two descriptors, before any normalisation, estimates that of the `K * D`
    sums `P_k = sum over positions i of a[i, k] * x[i]` of `CrossLayerPooling`. It is unbiased over
    seeds, and its variance falls as `1 / units`.

    - `"tensor_sketch"` adds up `s[k] t[j] P[k, j]` in the bin `(g[k] + h[j]) mod units`, with
      random signs `s`, `t` and random bins `g`, `h`. The paper convolves two sketches at each
      position by FFT; of the summed products the same result is a gather and a sum.
    - `"random_maclaurin"` gives `sum over positions i of (x_i U) * (a_i V) / sqrt(units)` with
      random signs `U`, `V`. It keeps `(D + K) * units` signs and multiplies more, so that it is
      slower and larger.

    The random numbers are drawn from `seed` when the layer is built. They are weights that are
    not trained and are saved with the model.

    Args:
        units: int, length of the descriptor. Defaults to `8192`.
        method: `"tensor_sketch"` or `"random_maclaurin"`. Defaults to `"tensor_sketch"`.
        seed: int, of the random signs and bins. Defaults to `0`.
        signed_square_root: bool, whether `sign(v) * sqrt(|v|)` is applied to each value.
            Defaults to `True`.
        l2_normalization: bool, whether the descriptor gets unit L2 norm last. Defaults to `True`.
        resize: `None`, `"guidance"` or `"features"`: which map is resized (bilinear) to the
            other's grid. `None` asks for equal grids. Defaults to `None`.
        data_format: `"channels_last"` or `"channels_first"`. Defaults to
            `keras.config.image_data_format()`.
        epsilon: float, the magnitude below which the signed root is a straight line, as for
            `CrossLayerPooling`. Defaults to `1e-4`.
        **kwargs: arguments of `keras.layers.Layer`.

    Input shape:
        A list `[features, guidance]`: `(batch, height, width, D)` and `(batch, height, width, K)`,
        or channels first. One map alone is paired with itself, as in the paper. Height and width
        may be unknown.

    Output shape:
        `(batch, units)`.

    Raises:
        ValueError: if an argument is none of the above, or the maps do not fit together.

    Reference:
        Gao, Beijbom, Zhang and Darrell, "Compact Bilinear Pooling", arXiv 1511.06062, section 3
        (algorithm 1: Random Maclaurin, algorithm 2: Tensor Sketch). The form on the summed
        products is this project's.

    Example:

    >>> features = np.random.rand(2, 7, 7, 320).astype("float32")
    >>> guidance = np.random.rand(2, 7, 7, 64).astype("float32")
    >>> tuple(CompactBilinearPooling(512)([features, guidance]).shape)
    (2, 512)
    >>> tuple(CompactBilinearPooling(512)([features]).shape)
    (2, 512)
    """

    def __init__(
        self,
        units=8192,
        method="tensor_sketch",
        seed=0,
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
        check_choice("method", method, _METHODS)
        self.units = whole_number("units", units, least=1)
        self.method = method
        self.seed = whole_number("seed", seed)
        self._width = None

    def build(self, input_shape):
        super().build(input_shape)
        channels = self._channels(input_shape)
        rng = np.random.default_rng(self.seed)
        if self.method == "random_maclaurin":
            self._kernels = [
                self._constant(f"{name}_kernel", _signs(rng, (size, self.units)))
                for name, size in zip(_NAMES, _pair(channels), strict=True)
            ]
        else:
            self._build_sketch(rng, *_pair(channels))

    def pool(self, inputs):
        """The sketch of the sums `A^T X`, before any normalisation.

        Args:
            inputs: list of maps.

        Returns:
            `(batch, 1, units)` tensor in float32 or wider.
        """
        features, guidance = _pair(self._rows(inputs))
        if self.method == "random_maclaurin":
            kernels = [ops.cast(x, features.dtype) for x in self._kernels]
            (sketch,) = projected_products([features, guidance], kernels, [(0, 1)])
            sketch = sketch / math.sqrt(self.units)
        else:
            sketch = self._sketch(features, guidance)
        return ops.reshape(sketch, (-1, 1, self.units))

    def pooled_shape(self, *channels):
        return 1, self.units

    def get_build_config(self):
        """What a file says of the shapes of the weights: the input's and the fullest bin's."""
        config = super().get_build_config()
        return config and {**config, "width": self._width}

    def build_from_config(self, config):
        """Builds weights of the shapes of a file, whatever this version of NumPy draws."""
        self._width = config["width"]
        super().build_from_config({k: v for k, v in config.items() if k != "width"})

    def get_config(self):
        return {
            **super().get_config(),
            "units": self.units,
            "method": self.method,
            "seed": self.seed,
        }

    def _build_sketch(self, rng, *channels):
        signs = [_signs(rng, size) for size in channels]
        bins = [rng.integers(0, self.units, size).astype("int32") for size in channels]
        entries = bin_entries(np.add.outer(bins[1], bins[0]).ravel() % self.units, self.units)
        width = self._width = self._width or entries.shape[1]
        entries = entries[:, :width]
        room = ((0, 0), (0, width - entries.shape[1]))
        entries = np.pad(entries, room, constant_values=math.prod(channels))
        self._signs, self._bins = (
            [
                self._constant(f"{name}_{kind}", value)
                for name, value in zip(_NAMES, values, strict=True)
            ]
            for kind, values in (("signs", signs), ("bins", bins))
        )
        self._entries = self._constant("entries", entries)

    def _constant(self, name, value):
        return self.add_weight(
            name=name,
            shape=value.shape,
            dtype=str(value.dtype),
            initializer=lambda shape, dtype=None: ops.convert_to_tensor(value, dtype),
            trainable=False,
        )

    def _sketch(self, features, guidance):
        signs = [ops.cast(x, features.dtype) for x in self._signs]
        features, guidance = (x * s for x, s in zip((features, guidance), signs, strict=True))
        # A channel of zeros gives the zeros with which the bins are filled up.
        guidance = ops.pad(guidance, ((0, 0), (0, 0), (0, 1)))
        products = gram(features, guidance)
        rows, columns = products.shape[1:]
        h, g = (ops.convert_to_tensor(x) for x in self._bins)

        def bins():
            sums = ops.reshape(ops.pad(g, ((0, 1),)), (-1, 1)) + h
            return ops.reshape(sums % self.units, (rows * columns,))

        flat = ops.reshape(products, (-1, rows * columns))
        return count_sketch(flat, ops.convert_to_tensor(self._entries), bins)


def bin_entries(bins, units):
    """The indices of what falls into each bin, filled up with one index too many.

    Args:
        bins: int `(n,)`, the bin of each value.
        units: int, the number of bins.

    Returns:
        int32 `(units, width)`.

    Example:

    >>> bin_entries(np.array([1, 0, 1]), 2).tolist()
    [[1, 3], [0, 2]]
    """
    counts = np.bincount(bins, minlength=units)
    order = np.argsort(bins, kind="stable")
    place = np.arange(len(bins)) - np.repeat(np.cumsum(counts) - counts, counts)
    entries = np.full((units, counts.max()), len(bins), "int32")
    entries[bins[order], place] = order
    return entries


def _pair(values):
    """Two values, the second the first again where there is one."""
    return [values[0], values[-1]]


def _signs(rng, shape):
    return rng.choice(np.array([-1, 1], "float32"), shape)
