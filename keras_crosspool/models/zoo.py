"""Builds a zoo model: backbone, the descriptors of a scheme and a linear classifier."""

import keras

from keras_crosspool import graphs
from keras_crosspool.environment import check_keras_settings
from keras_crosspool.layers.region_grid import RegionGrid
from keras_crosspool.models import branches
from keras_crosspool.models.options import SchemeOptions

_JOINT = "descriptor"
_IN_FLOAT32 = ("logits", "average_pooling", "average_root", "average_norm")
_PARTS_OF_BOTH = {
    "scheme1": ("pooling",),
    "scheme2": ("grid_pooling",),
    "both": ("pooling", "grid_pooling"),
}

SCHEMES = {
    "scheme1": (branches.coarse,),
    "scheme2": (branches.grid,),
    "both": (branches.coarse, branches.grid),
    "coarse": (branches.coarse,),
    "fine": (branches.fine,),
    "coarse+fine": (branches.coarse, branches.fine),
    "global_average": (branches.global_average,),
    "region_average": (branches.region_average,),
}


def build_model(backbone, num_classes, scheme="scheme1", **options):
    """Puts the descriptors of a scheme and a linear classifier on a backbone.

    Args:
        backbone: `Backbone`, from `create_backbone`.
        num_classes: int.
        scheme: str, defaults to `"scheme1"`; one of

            - `"scheme1"` or `"coarse"`: windows of one layer, pooled with the next layer;
            - `"fine"`: the same on the picture enlarged to twice its side;
            - `"coarse+fine"`: the two together;
            - `"scheme2"`: a grid of regions, pooled with a guidance layer to be trained;
            - `"both"`: schemes 1 and 2 together;
            - `"global_average"`, `"region_average"`: the baselines of the two schemes.
        **options: fields of `SchemeOptions`.

    Input shape:
        `(batch, image_size, image_size, 3)`, RGB, 0-255.

    Output shape:
        `(batch, num_classes)` logits.

    Returns:
        A functional `keras.Model` whose classifier is the layer `logits`. Descriptors of several
        branches, each of unit length, are concatenated.

    Raises:
        ValueError: if the scheme is unknown or does not fit the backbone's feature maps, or Keras
            is set to another default dtype than float32 or to channels first.

    Example:

    >>> backbone = keras_crosspool.backbones.create_backbone("EfficientNetLite0")
    >>> model = build_model(backbone, num_classes=10, feature_channels=64, guidance_channels=32)
    >>> model.get_layer("pooling").output.shape, model.output_shape
    ((None, 2048), (None, 10))
    >>> build_model(backbone, 10, "scheme2", region_mode="shared").get_layer("region_grid").output
    <KerasTensor shape=(None, 7, 7, 1280), dtype=float32, sparse=False, ragged=False, name=...>
    """
    check_keras_settings()
    if scheme not in SCHEMES:
        raise ValueError(f"scheme must be one of {', '.join(SCHEMES)}. Received: {scheme!r}")
    options = SchemeOptions(**options)
    descriptors = [branch(backbone, options) for branch in SCHEMES[scheme]]
    return assemble(
        backbone.input, descriptors, num_classes, f"{backbone.name}-{scheme.replace('+', '_')}"
    )


def parts_of_both(model):
    """Scheme 1, scheme 2 and both as models that share the layers of a model of both.

    Args:
        model: zoo model of the scheme `"both"`.

    Returns:
        dict, scheme to its model, each with a classifier of its own.
    """
    branches, classes = branches_of(model), model.output_shape[-1]
    backbone_name = model.name.removesuffix("-both")
    return {
        scheme: assemble(
            model.input, [branches[name] for name in names], classes, f"{backbone_name}-{scheme}"
        )
        for scheme, names in _PARTS_OF_BOTH.items()
    }


def baseline_of(model, backbone):
    """The average that a zoo model is to be compared with, of maps that it computes anyway.

    Args:
        model: zoo model.
        backbone: the `Backbone` it was built on.

    Returns:
        The region average for a model on region grids alone, otherwise the global average.
    """
    if all(branches.on_grid(name) for name in branches_of(model)):
        grid = graphs.graph_outputs(model)[branches.GRID_LAYER]
        descriptor = branches.average(grid, "region_average")
    else:
        descriptor = branches.global_average(backbone, None)
    return assemble(model.input, [descriptor], model.output_shape[-1], f"{model.name}-baseline")


def assemble(picture, descriptors, num_classes, name):
    """Puts one linear classifier on symbolic descriptors, `(batch, dims)` each.

    Args:
        picture: symbolic input.
        descriptors: list of symbolic descriptors.
        num_classes: int.
        name: str, of the model.

    Returns:
        A functional `keras.Model`.
    """
    descriptor = descriptors[0]
    if len(descriptors) > 1:
        descriptor = keras.layers.Concatenate(name=_JOINT)(descriptors)
    logits = keras.layers.Dense(num_classes, name="logits")(descriptor)
    return keras.Model(picture, logits, name=name)


def descriptor_of(model):
    """The symbolic descriptor of a zoo model: what its classifier sees, `(batch, dims)`."""
    return graphs.graph_inputs(model)["logits"][0]


def branches_of(model):
    """The symbolic descriptors that a zoo model's descriptor is made of.

    Returns:
        dict, name of the layer that gives a branch's descriptor to the descriptor, in the order of
        the concatenation.
    """
    inputs = graphs.graph_inputs(model)
    names = {id(output): name for name, output in graphs.graph_outputs(model).items()}
    descriptors = inputs["logits"]
    if names[id(descriptors[0])] == _JOINT:
        descriptors = inputs[_JOINT]
    return {names[id(descriptor)]: descriptor for descriptor in descriptors}


def all_layers(model):
    """Yields the layers of a zoo model and those of the networks within its region grids."""
    for layer in model.layers:
        yield layer
        if isinstance(layer, RegionGrid):
            yield from layer.network.layers


def with_policy(model, policy):
    """A copy of a zoo model whose layers compute under another dtype policy, with its weights.

    The classifier stays in float32, since a softmax of half-precision logits loses what sets the
    best classes apart, and so do averages and their norms, as cross-layer pooling does by itself.

    Args:
        model: functional `keras.Model`.
        policy: str, such as `"float32"` or `"mixed_float16"`.

    Returns:
        `keras.Model`.
    """

    def clone(layer):
        if not isinstance(layer, keras.layers.Layer):  # an operation computes as its input is
            return layer.__class__.from_config(layer.get_config())
        dtype = "float32" if layer.name.endswith(_IN_FLOAT32) else policy
        config = {**layer.get_config(), "dtype": dtype}
        if isinstance(layer, RegionGrid):
            config["network"] = keras.saving.serialize_keras_object(
                with_policy(layer.network, policy)
            )
        return layer.__class__.from_config(config)

    copy = keras.models.clone_model(model, clone_function=clone)
    copy.set_weights(model.get_weights())
    return copy
