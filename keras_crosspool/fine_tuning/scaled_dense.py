"""The last layer of a tuning head: dropout, a scale, and a linear layer."""

import keras


@keras.saving.register_keras_serializable(package="keras_crosspool")
class ScaledDense(keras.layers.Dense):
    """A linear layer on descriptors that are multiplied by a constant and thinned by dropout.

    A descriptor of unit length gives logits so small that a softmax can hardly tell classes apart;
    the scale makes up for it.

    Args:
        units: int, number of logits.
        scale: float, by which descriptors are multiplied. Defaults to `1.0`.
        dropout: float, the share of values that training drops. Defaults to `0.0`.
        seed: int, of initial weights and dropout; `None`, the default, for one of Keras'.
        **kwargs: further arguments of `keras.layers.Dense`.

    Input shape:
        `(batch, dims)`.

    Output shape:
        `(batch, units)`.

    Reference:
        The scale: Ranjan, Castillo and Chellappa, "L2-constrained Softmax Loss for Discriminative
        Face Verification", arXiv 1703.09507, section 3.

    Example:

    >>> layer = ScaledDense(3, scale=30.0, dropout=0.3, seed=0)
    >>> tuple(layer(np.ones((2, 4), "float32"), training=True).shape)
    (2, 3)
    """

    def __init__(self, units, scale=1.0, dropout=0.0, seed=None, **kwargs):
        kwargs.setdefault("kernel_initializer", keras.initializers.GlorotUniform(seed))
        super().__init__(units, **kwargs)
        self.scale, self.seed = scale, seed
        self.dropout = keras.layers.Dropout(dropout, seed=seed)

    def call(self, inputs, training=None):
        return super().call(self.scale * self.dropout(inputs, training=training), training)

    def get_config(self):
        own = {"scale": self.scale, "dropout": self.dropout.rate, "seed": self.seed}
        return {**super().get_config(), **own}
