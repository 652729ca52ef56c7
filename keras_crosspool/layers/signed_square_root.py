"""Signed square root: the power normalisation of pooled descriptors."""

import keras
from keras import ops

from keras_crosspool.layers.half_range import root_scale, unit_root


@keras.saving.register_keras_serializable(package="keras_crosspool")
class SignedSquareRoot(keras.layers.Layer):
    """Signed square root, `sign(x) * sqrt(|x|)`, with a finite gradient at zero.

    Computed as `x * rsqrt(max(|x|, epsilon))`: odd, exactly zero at zero, and its slope there is
    `1 / sqrt(epsilon)` where the plain square root has none. Runs in float32 under a half
    precision policy, and a runtime that computes in float16 meets no value beyond its range.

    Args:
        epsilon: float, the magnitude below which the root is a straight line; bounds the slope at
            zero. Less than `2**-14`, the smallest normal number of float16, counts as that.
            Defaults to `1e-4`.
        l2_normalization: bool, whether each example gets unit L2 norm after its root; `epsilon` is
            then a part of its mean magnitude. Defaults to `False`.
        **kwargs: arguments of `keras.layers.Layer`.

    Input shape:
        Any; with `l2_normalization`, one whose sizes are known, but for the batch.

    Output shape:
        The input's.

    Reference:
        Perronnin, Sánchez and Mensink, "Improving the Fisher Kernel", ECCV 2010, section 3.2.

    Example:

    >>> keras.ops.convert_to_numpy(SignedSquareRoot()(np.array([-4.0, 0.0, 9.0]))).tolist()
    [-2.0, 0.0, 3.0]
    """

    def __init__(self, epsilon=1e-4, l2_normalization=False, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.epsilon = epsilon
        self.l2_normalization = l2_normalization
        self.supports_masking = True

    def call(self, inputs):
        x = ops.cast(inputs, keras.backend.result_type(self.compute_dtype, "float32"))
        if self.l2_normalization:
            return ops.cast(unit_root(x, self.epsilon), self.compute_dtype)
        return ops.cast(x * root_scale(x, self.epsilon), self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {
            **super().get_config(),
            "epsilon": self.epsilon,
            "l2_normalization": self.l2_normalization,
        }
