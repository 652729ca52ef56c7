"""Democratic pooling: every position contributes alike to the second-order sums."""

import keras
from keras import ops

from keras_crosspool.layers.half_range import LEAST, largest
from keras_crosspool.layers.map_pooling import MapPooling
from keras_crosspool.layers.products import gram
from keras_crosspool.whole_numbers import whole_number


@keras.saving.register_keras_serializable(package="keras_crosspool")
class DemocraticPooling(MapPooling):
    """Pools two maps as `CrossLayerPooling` does, with a weight for each position.

    In a plain sum of products `x[i] a[i]^T` a frequent or strong pattern drowns the others. With
    the kernel of the positions `M[i, j] = (x[i] . x[j]) (a[i] . a[j])`, position `i` contributes
    `w[i] * sum over j of w[j] M[i, j]` to the squared norm of the weighted sum. The weights are
    such that this is the same for all positions, or with `gamma` the power `gamma` of what it is
    in the plain sum. They are found by dampened Sinkhorn iterations, from ones. Negative entries
    of `M` count as zero; a map paired with itself has none.

    The sums run in float32 (or wider) whatever the policy. The kernel takes the square of the
    number of positions in memory.

    Args:
        gamma: float from 0 to 1: `0` gives equal contributions, `1` the plain sum.
            Defaults to `0.0`.
        iterations: int, Sinkhorn iterations. Defaults to `10`.
        signed_square_root: bool, whether `sign(v) * sqrt(|v|)` is applied to each value.
            Defaults to `True`.
        l2_normalization: bool, whether the whole descriptor gets unit L2 norm last.
            Defaults to `True`.
        resize: `None`, `"guidance"` or `"features"`: which map is resized (bilinear) to the
            other's grid. `None` asks for equal grids. Defaults to `None`.
        data_format: `"channels_last"` or `"channels_first"`. Defaults to
            `keras.config.image_data_format()`.
        epsilon: float, the magnitude below which the signed root is a straight line, as for
            `CrossLayerPooling`. It is also the share of the kernel's largest entry that is added
            to the sums by which weights are divided: a position of zeros keeps a finite one.
            Less than `2**-14` counts as that. Defaults to `1e-4`.
        **kwargs: arguments of `keras.layers.Layer`.

    Input shape:
        A list `[features, guidance]`: `(batch, height, width, D)` and `(batch, height, width, K)`,
        or channels first. One map alone is paired with itself, as in the paper. Height and width
        may be unknown.

    Output shape:
        `(batch, K * D)`, guidance-major as of `CrossLayerPooling`.

    Raises:
        ValueError: if an argument is none of the above, or the maps do not fit together.

    Reference:
        Lin, Maji and Koniusz, "Second-order Democratic Aggregation", arXiv 1808.07503, section 3
        (gamma-democratic aggregators and the dampened Sinkhorn algorithm).

    Example:

    >>> maps = np.random.rand(2, 7, 7, 32).astype("float32")
    >>> tuple(DemocraticPooling()([maps]).shape)
    (2, 1024)
    """

    def __init__(
        self,
        gamma=0.0,
        iterations=10,
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
        if not 0 <= gamma <= 1:
            raise ValueError(f"`gamma` must be from 0 to 1. Received: gamma={gamma!r}")
        self.gamma = gamma
        self.iterations = whole_number("iterations", iterations, least=1)

    def pool(self, inputs):
        """The weighted sums, before any normalisation.

        Args:
            inputs: list of maps.

        Returns:
            `(batch, K, D)` tensor in float32 or wider.
        """
        rows = self._rows(inputs)
        return gram(rows[0] * self._weights(rows), rows[-1])

    def position_weights(self, inputs):
        """The weight of each position, in the order of the rows of the grid.

        With `l2_normalization`, which any common factor leaves alone, they are for a kernel whose
        largest entry is one.

        Args:
            inputs: list of maps.

        Returns:
            `(batch, positions)` tensor in float32 or wider.
        """
        return ops.squeeze(self._weights(self._rows(inputs)), axis=2)

    def pooled_shape(self, features, guidance=None):
        return guidance or features, features

    def get_config(self):
        return {**super().get_config(), "gamma": self.gamma, "iterations": self.iterations}

    def _weights(self, rows):
        products = [ops.matmul(x, ops.transpose(x, (0, 2, 1))) for x in rows]
        peaks = [largest(x, axis=(1, 2)) for x in products]
        scaled = [x / peak for x, peak in zip(products, peaks, strict=True)]
        kernel = ops.maximum(scaled[0] * scaled[-1], 0.0)
        peak = largest(kernel, axis=(1, 2))
        weights = self._balanced(kernel / peak)
        if self.l2_normalization:
            return weights
        return weights * ops.power(peaks[0] * peaks[-1] * peak, (self.gamma - 1) / 2)

    def _balanced(self, kernel):
        """The weights by dampened Sinkhorn iterations, of a kernel whose largest entry is one."""
        least = max(self.epsilon, LEAST)
        weights = ops.ones_like(kernel[:, :, :1])
        plain = ops.matmul(kernel, weights) + least
        target = ops.power(plain, self.gamma) if self.gamma else 1.0
        for _ in range(self.iterations):
            # w / sqrt(contribution / target), where the contribution is w times the sum below.
            sums = ops.matmul(kernel, weights) + least
            weights = ops.sqrt(weights * target / sums)
        return weights
