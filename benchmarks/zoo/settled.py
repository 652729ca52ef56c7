"""Random weights under which a network computes as a trained one does: neither zero nor chaos."""

import contextlib

import keras

from keras_crosspool.models.policy import all_layers

_SHIFT = 1.0


def settle(model, images):
    """Gives a network of random weights activations of ordinary size, in place.

    With the weights that Keras draws, activations of a deep network vanish or grow, and it makes
    so much of a small difference that rounding alone changes its answers. Here each
    `BatchNormalization` normalises what it sees of the images and gives values of mean 1 and
    deviation 1, most of which pass a ReLU. The scales of `LayerScale`, which begin at 1e-6, are 1.
    The kernel before a `LayerNormalization` is scaled so that its output has deviation 1; float16
    does not hold the variance of much smaller values.

    Args:
        model: functional `keras.Model`.
        images: `(n, height, width, 3)`, RGB, 0-255.
    """
    import tensorflow as tf

    layers = list(all_layers(model))
    norms = [layer for layer in layers if isinstance(layer, keras.layers.BatchNormalization)]
    for norm in norms:
        if norm.center:
            norm.beta.assign(keras.ops.full_like(norm.beta, _SHIFT))
    for layer in layers:
        if type(layer).__name__ == "LayerScale":
            layer.gamma.assign(keras.ops.ones_like(layer.gamma))
    _scale_before_layer_norms(model, images)
    dropouts = [layer for layer in layers if isinstance(layer, keras.layers.Dropout)]
    if not norms:
        return
    # In training a layer sees what those before it normalised by these very statistics.
    with _at(norms, "momentum", 0.0), _at(dropouts, "rate", 0.0):
        # As a graph, which lets go of a map once nothing needs it any more.
        tf.function(model)(tf.constant(images, "float32"), training=True)


def _scale_before_layer_norms(model, images):
    """Scales the layers with a kernel before a `LayerNormalization`, which undoes any scale."""
    norms = [layer for layer in model.layers if isinstance(layer, keras.layers.LayerNormalization)]
    before = [norm.input._keras_history.operation for norm in norms]
    before = [layer for layer in before if hasattr(layer, "kernel")]
    if not before:
        return
    outputs = [layer.output for layer in before]
    maps = keras.Model(model.inputs, outputs).predict(images.astype("float32"), verbose=0)
    for layer, values in zip(before, keras.tree.flatten(maps), strict=True):
        for weight in layer.weights:
            weight.assign(weight / values.std())


@contextlib.contextmanager
def _at(layers, attribute, value):
    """Layers with an attribute of another value meanwhile."""
    before = [getattr(layer, attribute) for layer in layers]
    for layer in layers:
        setattr(layer, attribute, value)
    try:
        yield
    finally:
        for layer, old in zip(layers, before, strict=True):
            setattr(layer, attribute, old)
