"""AdamW with a learning rate of its own for chosen layers."""

import keras
from keras import ops

from keras_crosspool.keras_backend import is_tensorflow
from keras_crosspool.keras_internals import OptimizerHooks


@keras.saving.register_keras_serializable(package="keras_crosspool")
class LayerwiseAdamW(OptimizerHooks, keras.optimizers.AdamW):
    """AdamW whose learning rate is multiplied for chosen layers, some of which start later.

    A classifier solved in closed form has many tiny weights; at the rate that suits the backbone,
    Adam's steps of equal size would overwrite them within an epoch.

    Gradients are clipped as a whole, summed over all replicas: Keras clips each replica's share,
    which gives other steps on two devices than on one.

    Args:
        multipliers: dict, layer name to the factor on its learning rate; other layers have 1.
            The weight decay keeps the common rate. Defaults to none.
        starts: dict, layer name to the step from which it is trained; it stays as it is before.
            Other layers train from the first step. Defaults to none.
        **kwargs: arguments of `keras.optimizers.AdamW`.

    Reference:
        Rates by layer and gradual unfreezing: Howard and Ruder, "Universal Language Model
        Fine-tuning for Text Classification", ACL 2018, sections 3.2 and 3.3.

    Example:

    >>> optimizer = LayerwiseAdamW(learning_rate=0.1, multipliers={"logits": 0.5})
    >>> layer = keras.layers.Dense(1, use_bias=False, kernel_initializer="ones", name="logits")
    >>> layer.build((None, 1))
    >>> optimizer.apply([keras.ops.ones((1, 1))], layer.trainable_variables)
    >>> round(float(layer.kernel[0, 0]), 2)  # a step of 0.05, and a little weight decay
    0.95
    """

    def __init__(
        self, learning_rate=0.001, multipliers=None, starts=None, name="layerwise_adamw", **kwargs
    ):
        super().__init__(learning_rate, name=name, **kwargs)
        self.multipliers = dict(multipliers or {})
        self.starts = dict(starts or {})

    def build(self, variables):
        super().build(variables)
        layers = [variable.path.split("/")[0] for variable in variables]
        self._factors = [self.multipliers.get(layer, 1.0) for layer in layers]
        self._starts = [self.starts.get(layer, 0) for layer in layers]

    def update_step(self, gradient, variable, learning_rate):
        # The backend may hand over its own variable, which does not know its layer.
        index = self.variable_index(variable)
        if self._starts[index]:
            learning_rate *= ops.cast(self.iterations >= self._starts[index], learning_rate.dtype)
        if self.weight_decay and self.decays(variable):
            self.assign_sub(variable, variable * self.weight_decay * learning_rate)
        super().update_step(gradient, variable, learning_rate * self._factors[index])

    def get_config(self):
        return {
            **super().get_config(),
            "multipliers": self.multipliers,
            "starts": self.starts,
        }

    def clipped(self, gradients):
        """Clips gradients as a whole, summed over all replicas."""
        replicas = self._replicas()
        if replicas == 1 or not (self.clipnorm or self.global_clipnorm or self.clipvalue):
            return super().clipped(gradients)
        import tensorflow as tf

        context = tf.distribute.get_replica_context()
        clipped = super().clipped(context.all_reduce(tf.distribute.ReduceOp.SUM, gradients))
        return [gradient / replicas for gradient in clipped]  # Keras sums them once more

    def _replicas(self):
        if not is_tensorflow():
            return 1
        import tensorflow as tf

        return tf.distribute.get_strategy().num_replicas_in_sync
