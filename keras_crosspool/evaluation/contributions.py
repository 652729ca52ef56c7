"""Where a decision came from: a class score as an exact sum over places."""

import keras
import numpy as np
from keras import ops

from keras_crosspool.graphs import graph_inputs
from keras_crosspool.layers import CrossLayerPooling
from keras_crosspool.models.zoo import branches_of


def place_contributions(model, pictures, classes):
    """Splits class scores of a cross-layer model into what each place contributes.

    The normalisation multiplies each pooled sum by a positive factor. With the factors held at
    their values the logit is linear in the places,

        logit_c = bias_c + sum over places i of  a_i^T (W_c * scale) x_i

    so the contributions and the bias add up to the logit exactly.

    Args:
        model: zoo model with a `pooling` and a `logits` layer.
        pictures: `(batch, image_size, image_size, 3)`, RGB, 0-255.
        classes: int `(batch, shown)`, the classes to explain for each picture.

    Returns:
        `contributions`, a dict from the name of each pooling layer to float32
        `(batch, shown, rows, columns)`, and `bias`, float32 `(batch, shown)`.

    Raises:
        ValueError: if the model has no cross-layer pooling.

    Source:
        This project, from the linearity of the pooling in Liu, Shen and van den Hengel,
        arXiv 1510.00921.

    Example:

    >>> backbone = keras_crosspool.backbones.create_backbone("EfficientNetLite0")
    >>> model = build_model(backbone, num_classes=3, feature_channels=8, guidance_channels=8)
    >>> pictures = np.random.randint(0, 255, (1, 224, 224, 3)).astype("float32")
    >>> contributions, bias = place_contributions(model, pictures, np.array([[2]]))
    >>> contributions["pooling"].shape
    (1, 1, 5, 5)
    >>> np.allclose(contributions["pooling"].sum() + bias, model(pictures)[0, 2], atol=1e-5)
    True
    """
    branches = branches_of(model)
    _check_poolings(model, branches)
    kernel, bias = model.get_layer("logits").get_weights()
    sizes = np.cumsum([descriptor.shape[-1] for descriptor in branches.values()])
    kernels = np.split(kernel, sizes[:-1])
    contributions = {
        name: _contributions(model, name, kernel, pictures, classes)
        for name, kernel in zip(branches, kernels, strict=True)
    }
    return contributions, bias[classes]


def _contributions(model, name, kernel, pictures, classes):
    pooling = model.get_layer(name)
    maps_of = keras.Model(model.input, graph_inputs(model)[name])
    inputs = maps_of(pictures)
    pooled = pooling.pool(inputs)
    scale = ops.convert_to_numpy(pooling.normalization_scale(pooled))
    weights = kernel.T.reshape(-1, *pooled.shape[1:])[classes] * scale[:, None]
    features, guidance = (_channels_last(pooling, x) for x in pooling.pooled_maps(inputs))
    contributions = np.einsum(
        "bhwk,bckd,bhwd->bchw", guidance, weights, features, optimize="optimal"
    )
    return contributions.astype("float32")


def _check_poolings(model, branches):
    if not all(isinstance(model.get_layer(name), CrossLayerPooling) for name in branches):
        raise ValueError(
            "Only models with cross-layer pooling have places to explain; this one averages over "
            f"them: train another --scheme. Received: {model.name}"
        )


def _channels_last(pooling, maps):
    maps = ops.convert_to_numpy(maps)
    return np.moveaxis(maps, 1, -1) if pooling.data_format == "channels_first" else maps
