"""AdamW with a learning rate of its own for chosen layers."""

import keras


@keras.saving.register_keras_serializable(package="keras_crosspool")
class LayerwiseAdamW(keras.optimizers.AdamW):
    """AdamW whose learning rate is multiplied for chosen layers.

    A classifier solved in closed form has many tiny weights; at the rate that suits the backbone,
    Adam's steps of equal size would overwrite them within an epoch.

    Args:
        multipliers: dict, layer name to the factor on its learning rate; other layers have 1.
            The weight decay keeps the common rate. Defaults to none.
        **kwargs: arguments of `keras.optimizers.AdamW`.

    Example:

    >>> optimizer = LayerwiseAdamW(learning_rate=0.1, multipliers={"logits": 0.5})
    >>> layer = keras.layers.Dense(1, use_bias=False, kernel_initializer="ones", name="logits")
    >>> layer.build((None, 1))
    >>> optimizer.apply([keras.ops.ones((1, 1))], layer.trainable_variables)
    >>> round(float(layer.kernel[0, 0]), 2)  # a step of 0.05, and a little weight decay
    0.95
    """

    def __init__(self, learning_rate=0.001, multipliers=None, name="layerwise_adamw", **kwargs):
        super().__init__(learning_rate, name=name, **kwargs)
        self.multipliers = dict(multipliers or {})

    def build(self, variables):
        super().build(variables)
        layers = [variable.path.split("/")[0] for variable in variables]
        self._factors = [self.multipliers.get(layer, 1.0) for layer in layers]

    def update_step(self, gradient, variable, learning_rate):
        # The backend may hand over its own variable, which does not know its layer.
        factor = self._factors[self._get_variable_index(variable)]
        super().update_step(gradient, variable, learning_rate * factor)

    def get_config(self):
        return {**super().get_config(), "multipliers": self.multipliers}
