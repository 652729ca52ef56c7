"""Descriptor heads: from a backbone's feature maps to one vector a picture."""

import keras

from keras_crosspool.layers import (
    CrossLayerPooling,
    GuidanceSelection,
    LocalRegions,
    SignedSquareRoot,
)


def cross_layer_descriptor(
    backbone,
    window_size=3,
    feature_channels=256,
    guidance_channels=256,
    features_layer=None,
    guidance_layer=None,
):
    """Scheme 1: windows of one layer, projected, pooled with the next layer's activations.

    Args:
        backbone: `Backbone`.
        window_size: int, side of the windows in cells of the feature map. Defaults to `3`.
        feature_channels: int, principal components kept of a window (D). Defaults to `256`.
        guidance_channels: int, most guidance channels (K); of more, the most active are
            selected. Defaults to `256`.
        features_layer: str, layer of the local features. Defaults to `backbone.pair()`.
        guidance_layer: str, layer of the guidance. Defaults to `backbone.pair()`.

    Returns:
        Symbolic `(batch, K * D)` descriptor.

    Raises:
        ValueError: if the pictures are too small for the windows.

    Source:
        Liu, Shen and van den Hengel, arXiv 1510.00921, scheme 1.

    Example:

    >>> backbone = keras_crosspool.backbones.create_backbone("EfficientNetLite0")
    >>> cross_layer_descriptor(backbone, feature_channels=64, guidance_channels=32).shape
    (None, 2048)
    """
    pair = backbone.pair()
    features = backbone.output(features_layer or pair[0].layer)
    guidance = backbone.output(guidance_layer or pair[1].layer)
    _check_window(backbone, features, window_size)
    regions = LocalRegions(feature_channels, window_size, name="regions")
    guidance = regions.crop(guidance)
    if guidance.shape[_channel_axis()] > guidance_channels:
        guidance = GuidanceSelection(guidance_channels, name="guidance")(guidance)
    return CrossLayerPooling(name="pooling")([regions(features), guidance])


def global_average_descriptor(backbone):
    """The baseline: the last feature map's average over places, normalised like the others.

    Args:
        backbone: `Backbone`.

    Returns:
        Symbolic `(batch, channels)` descriptor of unit length.
    """
    guidance = backbone.output(backbone.feature_info[-1].layer)
    pooled = keras.layers.GlobalAveragePooling2D(name="average_pooling")(guidance)
    pooled = SignedSquareRoot(name="average_root")(pooled)
    return keras.layers.UnitNormalization(name="average_norm")(pooled)


HEADS = {"cross_layer": cross_layer_descriptor, "global_average": global_average_descriptor}


def _channel_axis():
    return 1 if keras.config.image_data_format() == "channels_first" else 3


def _check_window(backbone, features, window_size):
    grid = [size for axis, size in enumerate(features.shape) if axis not in (0, _channel_axis())]
    if min(grid) < window_size:
        stride = backbone.image_size // min(grid)
        raise ValueError(
            f"The feature map of {backbone.name} is {grid[0]} x {grid[1]} cells at this picture "
            f"size, too small for windows of {window_size} x {window_size}: take pictures of about "
            f"{window_size * stride} px or more, or smaller windows. "
            f"Received: image_size={backbone.image_size}"
        )
