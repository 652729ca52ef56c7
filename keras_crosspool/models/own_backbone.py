"""A backbone by its name, or made of a functional Keras model of the user's."""

import keras

from keras_crosspool import graphs
from keras_crosspool.backbones.backbone import Backbone
from keras_crosspool.backbones.registry import create_backbone


def as_backbone(backbone, image_size, weights, options):
    """The `Backbone` of what `CrossPoolClassifier.from_backbone` takes.

    Args:
        backbone: str, `Backbone`, or functional `keras.Model`.
        image_size: int, side of the images in pixels, or `None` for its own.
        weights: str or path, or `None` for random ones; for a name alone.
        options: `SchemeConfig`; a user's model must have its layers.

    Returns:
        `Backbone`.

    Raises:
        ValueError: if the model has not one square RGB input, lacks the named layers, or has no
            feature maps.
    """
    if isinstance(backbone, Backbone):
        return backbone
    if isinstance(backbone, keras.Model):
        return _from_model(backbone, image_size, options)
    return create_backbone(backbone, image_size, "none" if weights is None else weights)


def _from_model(model, image_size, options):
    if len(getattr(model, "inputs", None) or ()) != 1 or len(model.input_shape) != 4:
        raise ValueError(
            "A backbone of your own must be a functional Keras model with one image as input. "
            f"Received: {model.name}"
        )
    if isinstance(model, keras.Sequential):
        model = keras.Model(model.inputs, model.outputs, name=model.name)
    side = image_size or model.input_shape[1]
    if side is None or (image_size is None and model.input_shape[1] != model.input_shape[2]):
        raise ValueError(
            "Images are square: give `image_size` for a model whose input size is open or not "
            f"square. Received: input shape {model.input_shape}"
        )
    outputs = graphs.graph_outputs(model)
    named = [name for name in (options.features_layer, options.guidance_layer) if name]
    missing = [name for name in named if name not in outputs]
    if missing:
        maps = [name for name, output in outputs.items() if len(output.shape) == 4]
        raise ValueError(
            f"{model.name} has no layer {' and no layer '.join(missing)}. Its last feature maps "
            f"are {', '.join(maps[-6:])}. Received: features_layer={options.features_layer!r}, "
            f"guidance_layer={options.guidance_layer!r}"
        )
    last = options.guidance_layer or graphs.last_map(model)
    trunk = keras.Model(model.inputs[0], outputs[last], name=model.name)
    if options.features_layer and options.features_layer not in graphs.graph_outputs(trunk):
        maps = [outputs[last], outputs[options.features_layer]]  # as two levels of a pyramid
        trunk = keras.Model(model.inputs[0], maps, name=model.name)
    if trunk.input_shape[1:3] != (side, side):
        trunk = graphs.at_size(trunk, side, side)
    return Backbone.of_network(trunk)
