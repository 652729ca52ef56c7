"""The classifier's layer: linear, with a soft limit on the logits."""

import keras
from keras import ops

_INVERSE_LIMIT = "inverse_limit"


@keras.saving.register_keras_serializable(package="keras_crosspool")
class LimitedDense(keras.layers.Dense):
    """A linear layer whose outputs are bent towards a limit: `z / (1 + inverse_limit * |z|)`.

    The scores of a ridge rise with the probability of a class, not with its logarithm. So they
    are spread too widely where a class is likely, and too little where it is not. The limit
    corrects that, and the order of the classes stays. `inverse_limit` is a weight that is not
    trained: 0 at first, which is no limit, until `solve` calibrates the model.

    Args:
        units: int, number of logits.
        **kwargs: further arguments of `keras.layers.Dense`.

    Input shape:
        `(batch, dims)`.

    Output shape:
        `(batch, units)`, logits between `-1 / inverse_limit` and `1 / inverse_limit`.

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
        layer.assign(*dense.get_weights(), 0.0)
        return layer

    def assign(self, kernel, bias, inverse_limit):
        """Writes the weights."""
        self.kernel.assign(kernel)
        self.bias.assign(bias)
        self.inverse_limit.assign(inverse_limit)

    def build(self, input_shape):
        super().build(input_shape)
        self.inverse_limit = self.add_weight(
            name=_INVERSE_LIMIT, shape=(), initializer="zeros", trainable=False
        )

    def call(self, inputs, training=None):
        scores = super().call(inputs, training)
        return scores / (1 + ops.cast(self.inverse_limit, scores.dtype) * ops.abs(scores))

    def shrinkage(self, logits):
        """The factor by which the limit multiplied the scores that these logits came from."""
        return 1 - ops.cast(self.inverse_limit, logits.dtype) * ops.abs(logits)

    def save_own_variables(self, store):
        """As Keras does it, with the limit, which `Dense` does not know."""
        super().save_own_variables(store)
        store[_INVERSE_LIMIT] = self.inverse_limit

    def load_own_variables(self, store):
        """As Keras does it, with the limit."""
        super().load_own_variables(store)
        self.inverse_limit.assign(store[_INVERSE_LIMIT])
