"""The classifier's layer: linear, with a soft limit on the logits and a common part."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_crosspool")
class LimitedDense(keras.layers.Dense):
    """A linear layer with a soft limit: `z / (1 + inverse_limit * |z|)`, plus a common part.

    The scores of a ridge rise with the probability of a class, not with its logarithm. So they
    are spread too widely where a class is likely, and too little where it is not. The limit
    corrects that, and the order of the classes stays. The common part is the same for all classes:
    how like the training images the input is. It leaves the probabilities as they are, and tells
    images of none of the classes by their largest logit. `inverse_limit`, `familiarity` and
    `familiarity_bias` are weights that are not trained: 0 at first, until `solve` sets them.

    Args:
        units: int, number of logits.
        **kwargs: further arguments of `keras.layers.Dense`.

    Input shape:
        `(batch, dims)`.

    Output shape:
        `(batch, units)`, logits: from `-1 / inverse_limit` to `1 / inverse_limit`, and the common
        part.

    Reference:
        The function is the softsign of Glorot and Bengio, "Understanding the Difficulty of
        Training Deep Feedforward Neural Networks", AISTATS 2010, section 2; its use for the
        calibration of ridge scores is this project's.

    Example:

    >>> layer = LimitedDense(2)
    >>> layer.build((None, 1))
    >>> layer.assign(kernel=[[1.0, 4.0]], bias=[0.0, 0.0], inverse_limit=0.25)
    >>> np.array(layer(np.ones((1, 1)))).round(3)
    array([[0.8, 2. ]], dtype=float32)
    """

    @classmethod
    def of(cls, dense):
        """A layer with the config and the weights of a `keras.layers.Dense`, and no limit."""
        layer = cls.from_config(dense.get_config())
        layer.build(dense.input.shape)
        layer.assign(*dense.get_weights())
        return layer

    def assign(self, kernel, bias, inverse_limit=0.0, familiarity=0.0, familiarity_bias=0.0):
        """Writes the weights.

        Args:
            kernel: float `(dims, units)`.
            bias: float `(units,)`.
            inverse_limit: float. Defaults to `0.0`, no limit.
            familiarity: float `(dims,)`, the linear part that all outputs share. Defaults to
                zeros.
            familiarity_bias: float, what is added to it. Defaults to `0.0`.
        """
        self.kernel.assign(kernel)
        self.bias.assign(bias)
        self.inverse_limit.assign(inverse_limit)
        self.familiarity.assign(ops.broadcast_to(familiarity, self.familiarity.shape))
        self.familiarity_bias.assign(familiarity_bias)

    def build(self, input_shape):
        super().build(input_shape)
        self.inverse_limit = self._solved_weight("inverse_limit", ())
        self.familiarity = self._solved_weight("familiarity", (input_shape[-1],))
        self.familiarity_bias = self._solved_weight("familiarity_bias", ())

    def call(self, inputs, training=None):
        scores = super().call(inputs, training)
        limited = scores / (1 + ops.cast(self.inverse_limit, scores.dtype) * ops.abs(scores))
        return limited + self.common_part(inputs)

    def common_part(self, inputs):
        """What is added to all logits alike, `(batch, 1)`, for inputs `(batch, dims)`."""
        column = ops.cast(self.familiarity, inputs.dtype)[:, None]
        return ops.matmul(inputs, column) + ops.cast(self.familiarity_bias, inputs.dtype)

    def shrinkage(self, logits):
        """The factor by which the limit multiplied the scores of logits without common part."""
        return 1 - ops.cast(self.inverse_limit, logits.dtype) * ops.abs(logits)

    def save_own_variables(self, store):
        """As Keras does it, with the weights that `Dense` does not know."""
        super().save_own_variables(store)
        for weight in self._solved_weights:
            store[weight.name] = weight

    def load_own_variables(self, store):
        """As Keras does it, with the weights that `Dense` does not know."""
        # At first the limit alone was kept: what is not in the store stays as it is.
        kept = {weight.name: weight for weight in self._solved_weights}
        names = store.keys()  # which a store of Keras has instead of an iterator
        kept |= {name: store[name] for name in names}
        super().load_own_variables(kept)
        for weight in self._solved_weights:
            weight.assign(kept[weight.name])

    @property
    def _solved_weights(self):
        return self.inverse_limit, self.familiarity, self.familiarity_bias

    def _solved_weight(self, name, shape):
        return self.add_weight(name=name, shape=shape, initializer="zeros", trainable=False)
