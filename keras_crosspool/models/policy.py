"""A classifier under another dtype policy, and all layers of one."""

import keras

from keras_crosspool.layers.region_grid import RegionGrid


def all_layers(model):
    """Yields the layers of a model and those of the networks within its region grids."""
    for layer in model.layers:
        yield layer
        if isinstance(layer, RegionGrid):
            yield from layer.network.layers


def with_policy(model, policy):
    """A copy of a classifier whose layers compute under another dtype policy, with its weights.

    The classifier stays in float32, since a softmax of half-precision logits loses what sets the
    best classes apart, and so do averages and their norms, as cross-layer pooling does by itself.

    Args:
        model: `CrossPoolClassifier`.
        policy: str, such as `"float32"` or `"mixed_float16"`.

    Returns:
        `CrossPoolClassifier`.
    """
    float32 = {layer.name for layer in model.float32_layers}
    copy = model.on_network(network_with_policy(model.network, policy, float32))
    copy.set_weights(model.get_weights())
    return copy


def network_with_policy(network, policy, float32=()):
    """A copy of a functional model under another policy, with weights of its own, not yet set.

    Args:
        network: functional `keras.Model`.
        policy: str.
        float32: set of str, names of layers that compute in float32. Defaults to none.

    Returns:
        functional `keras.Model`.
    """

    def change(layer, config):
        config["dtype"] = "float32" if layer.name in float32 else policy
        if isinstance(layer, RegionGrid):
            inner = network_with_policy(layer.network, policy)
            config["network"] = keras.saving.serialize_keras_object(inner)

    return changed_network(network, change)


def changed_network(network, change):
    """A copy of a functional model with other configs, with weights of its own, not yet set.

    Args:
        network: functional `keras.Model`.
        change: function of a layer and its config that changes the config.

    Returns:
        functional `keras.Model`.
    """

    def clone(layer):
        config = layer.get_config()
        if isinstance(layer, keras.layers.Layer):  # an operation computes as its input is
            change(layer, config)
        return layer.__class__.from_config(config)

    return keras.models.clone_model(network, clone_function=clone)
