"""Builds a zoo model: backbone, descriptor head and linear classifier."""

import keras

from keras_crosspool.models.heads import HEADS


def build_model(backbone, num_classes, head="cross_layer", **head_arguments):
    """Puts a descriptor head and a linear classifier on a backbone.

    Args:
        backbone: `Backbone`, from `create_backbone`.
        num_classes: int.
        head: `"cross_layer"` or `"global_average"`. Defaults to `"cross_layer"`.
        **head_arguments: arguments of the head; for `"cross_layer"` see
            `cross_layer_descriptor`.

    Input shape:
        `(batch, image_size, image_size, 3)`, RGB, 0-255.

    Output shape:
        `(batch, num_classes)` logits.

    Returns:
        A functional `keras.Model` whose classifier is the layer `logits`.

    Raises:
        ValueError: if the head is unknown or does not fit the backbone's feature maps.

    Example:

    >>> backbone = keras_crosspool.backbones.create_backbone("EfficientNetLite0")
    >>> model = build_model(backbone, num_classes=10, feature_channels=64, guidance_channels=32)
    >>> model.get_layer("pooling").output.shape, model.output_shape
    ((None, 2048), (None, 10))
    """
    if head not in HEADS:
        raise ValueError(f"head must be one of {', '.join(HEADS)}. Received: {head!r}")
    descriptor = HEADS[head](backbone, **head_arguments)
    logits = keras.layers.Dense(num_classes, name="logits")(descriptor)
    return keras.Model(backbone.input, logits, name=f"{backbone.name}-{head}")


def descriptor_of(model):
    """The symbolic descriptor of a zoo model: what its classifier sees, `(batch, dims)`."""
    return model.get_layer("logits").input
