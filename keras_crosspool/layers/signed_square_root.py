"""Signed square root: the power normalisation of pooled descriptors."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_crosspool")
class SignedSquareRoot(keras.layers.Layer):
    """Signed square root, `sign(x) * sqrt(|x|)`, with a finite gradient at zero.

    Computed as `x * rsqrt(|x| + epsilon)`: odd, exactly zero at zero, and its slope there is
    `1 / sqrt(epsilon)` where the plain square root has none. Runs in float32 under a half
    precision policy.

    Args:
        epsilon: float, added to `|x|`; bounds the slope at zero. Defaults to `1e-7`.
        **kwargs: arguments of `keras.layers.Layer`.

    Input shape:
        Any.

    Output shape:
        The input's.

    Source:
        Perronnin, Sánchez and Mensink, "Improving the Fisher Kernel", ECCV 2010, section 3.2.

    Example:

    >>> keras.ops.convert_to_numpy(SignedSquareRoot()(np.array([-4.0, 0.0, 9.0]))).tolist()
    [-2.0, 0.0, 3.0]
    """

    def __init__(self, epsilon=1e-7, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.epsilon = epsilon
        self.supports_masking = True

    def call(self, inputs):
        x = ops.cast(inputs, keras.backend.result_type(self.compute_dtype, "float32"))
        return ops.cast(x * ops.rsqrt(ops.abs(x) + self.epsilon), self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "epsilon": self.epsilon}
