"""Matrix root pooling: cross-layer sums whose singular values are replaced by their roots."""

import keras
from keras import ops

from keras_crosspool.layers.half_range import LEAST, largest, unit
from keras_crosspool.layers.map_pooling import MapPooling
from keras_crosspool.layers.matrix_roots import inverse_root
from keras_crosspool.layers.products import gram
from keras_crosspool.whole_numbers import whole_number


@keras.saving.register_keras_serializable(package="keras_crosspool")
class MatrixRootPooling(MapPooling):
    """Pools two maps as `CrossLayerPooling` does, and takes the root of the singular values.

    With the sums `P = A^T X` of guidance and features, the descriptor is that of
    `(P P^T)^(-1/4) P`: the singular vectors of `P`, and the square roots of its singular values.
    Of one map paired with itself that is the matrix square root of `X^T X`. The fourth root is
    taken of the smaller of `P P^T` and `P^T P` by coupled Newton-Schulz iterations, which are
    matrix products alone: the work grows with `min(K, D)**3`.

    The iterations run in float32 (or wider) whatever the policy. With the norm of `P` divided out,
    10 iterations are nearly exact for singular values above 0.012, 5 for those above 0.11; smaller
    ones are multiplied by at most `1.25**iterations`. In float32 more than 16 iterations would
    amplify rounding errors.

    Args:
        iterations: int, Newton-Schulz iterations. Defaults to `10`.
        signed_square_root: bool, whether `sign(v) * sqrt(|v|)` is applied to each value of the
            root. Defaults to `True`.
        l2_normalization: bool, whether the whole descriptor gets unit L2 norm last.
            Defaults to `True`.
        resize: `None`, `"guidance"` or `"features"`: which map is resized (bilinear) to the
            other's grid. `None` asks for equal grids. Defaults to `None`.
        data_format: `"channels_last"` or `"channels_first"`. Defaults to
            `keras.config.image_data_format()`.
        epsilon: float, the magnitude below which the signed root is a straight line, as for
            `CrossLayerPooling`. Defaults to `1e-4`.
        **kwargs: arguments of `keras.layers.Layer`.

    Input shape:
        A list `[features, guidance]`: `(batch, height, width, D)` and `(batch, height, width, K)`,
        or channels first. One map alone is paired with itself. Height and width may be unknown.

    Output shape:
        `(batch, K * D)`, guidance-major as of `CrossLayerPooling`.

    Raises:
        ValueError: if an argument is none of the above, or the maps do not fit together.

    Reference:
        Lin and Maji, "Improved Bilinear Pooling with CNNs", arXiv 1707.06772, section 3 (root of
        one map's matrix, followed by both normalisations); the form for two maps is this
        project's.

    Example:

    >>> features = np.random.rand(2, 7, 7, 32).astype("float32")
    >>> guidance = np.random.rand(2, 7, 7, 16).astype("float32")
    >>> tuple(MatrixRootPooling()([features, guidance]).shape)
    (2, 512)
    """

    def __init__(
        self,
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
        self.iterations = whole_number("iterations", iterations, least=1)

    def pool(self, inputs):
        """The matrix root of the sums `A^T X`, before any normalisation.

        Args:
            inputs: list of maps.

        Returns:
            `(batch, K, D)` tensor in float32 or wider.
        """
        rows = self._rows(inputs)
        sums = gram(rows[0], rows[-1])
        # The matrix whose root is taken has the trace one.
        scaled = unit(sums)
        turned = ops.transpose(scaled, (0, 2, 1))
        channels, dims = scaled.shape[1:]
        if channels <= dims:
            inverse = inverse_root(ops.matmul(scaled, turned), 4, self.iterations)
            root = ops.matmul(inverse, scaled)
        else:
            inverse = inverse_root(ops.matmul(turned, scaled), 4, self.iterations)
            root = ops.matmul(scaled, inverse)
        if self.l2_normalization:
            return root
        return root * _root_of_norm(sums)

    def pooled_shape(self, features, guidance=None):
        return guidance or features, features

    def get_config(self):
        return {**super().get_config(), "iterations": self.iterations}


def _root_of_norm(sums):
    """The square root of the Frobenius norm of each matrix, with a finite gradient at zero."""
    peak = largest(sums, axis=(1, 2))
    energy = ops.sum(ops.square(sums / peak), axis=(1, 2), keepdims=True)
    return ops.sqrt(peak) * ops.sqrt(ops.sqrt(ops.maximum(energy, LEAST)))
