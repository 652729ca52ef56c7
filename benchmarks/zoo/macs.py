"""Multiply-accumulates of a network, counted in its graph."""

import math

from keras_crosspool.graphs import graph_nodes


def count_macs(model):
    """Counts the multiply-accumulates of convolutions and dense layers on one image.

    Every value of a kernel is used once at each position of the output: of a `Dense` layer, of a
    convolution in groups, of a depthwise one, of both kernels of a separable one. Biases,
    normalisation, activations and pooling are not counted.

    Args:
        model: functional `keras.Model` on images of a fixed size.

    Returns:
        int.

    Example:

    >>> import keras
    >>> image = keras.Input((8, 8, 3))
    >>> count_macs(keras.Model(image, keras.layers.Conv2D(5, 3, strides=2, padding="same")(image)))
    2160
    """
    return sum(_of_call(node.operation, node.output_tensors[0]) for node in graph_nodes(model))


def _of_call(layer, output):
    parts = getattr(layer, "layers", None)  # a `Sequential` in place of a layer
    if parts:
        return sum(_of_call(part, part.output) for part in parts)
    kernels = [weight for weight in getattr(layer, "weights", ()) if len(weight.shape) > 1]
    positions = math.prod(output.shape[1:-1])
    return sum(positions * math.prod(kernel.shape) for kernel in kernels)
