"""The branches of zoo models: each makes one descriptor of unit length from the picture."""

import keras

from keras_crosspool import graphs
from keras_crosspool.layers.cross_layer_pooling import CrossLayerPooling
from keras_crosspool.layers.guidance_selection import GuidanceSelection
from keras_crosspool.layers.local_regions import LocalRegions
from keras_crosspool.layers.region_grid import RegionGrid
from keras_crosspool.layers.signed_square_root import SignedSquareRoot

GRID_LAYER = "region_grid"
_FINE_SCALE = 2
_REGION_SHARE = 2 / 5  # of the picture's side
_REGIONS_IN_A_ROW = 7


def on_grid(name):
    """Whether a layer of a zoo model, by its name, stands on the region grid."""
    return name.startswith(("grid_", "region_"))


def coarse(backbone, options):
    """Windows of one layer, projected and pooled with the next layer's activations: scheme 1.

    Args:
        backbone: `Backbone`.
        options: `SchemeOptions`.

    Returns:
        Symbolic `(batch, K * D)` descriptor.

    Raises:
        ValueError: if the pictures are too small for the windows.

    Source:
        Liu, Shen and van den Hengel, arXiv 1510.00921, scheme 1.
    """
    return _pooled_windows(
        backbone, options, [backbone.output(x) for x in _pair(backbone, options)]
    )


def fine(backbone, options):
    """`coarse` on the picture enlarged to twice its side, by the same layers of the backbone."""
    names = _pair(backbone, options)
    side = _FINE_SCALE * backbone.image_size
    picture = keras.layers.Resizing(side, side, name="fine_picture")(backbone.input)
    maps = graphs.applied(backbone.extractor(names), picture)
    return _pooled_windows(backbone, options, [maps[name] for name in names], "fine_")


def grid(backbone, options):
    """Activations of dense regions, pooled with a guidance layer trained on top: scheme 2.

    The regions' network is a copy of the backbone, with weights of its own.

    Args:
        backbone: `Backbone`.
        options: `SchemeOptions`.

    Returns:
        Symbolic `(batch, K * D)` descriptor.

    Raises:
        ValueError: if the regions do not fit the pictures or the backbone.

    Source:
        Liu, Shen and van den Hengel, arXiv 1510.00921, scheme 2. That the guidance layer reads
        the projected activations is this project's choice.
    """
    regions = _region_grid(backbone, options)
    features = LocalRegions(options.feature_channels, 1, name="grid_regions")(regions)
    channels = options.grid_guidance_channels
    if options.grid_guidance == "selected":
        guidance = GuidanceSelection(channels, name="grid_guidance")(regions)
    else:
        guidance = keras.layers.Conv2D(
            channels, 3, padding="same", activation="relu", name="grid_guidance"
        )(features)
    return CrossLayerPooling(name="grid_pooling")([features, guidance])


def global_average(backbone, options):
    """The last feature map's average over places, normalised: the baseline."""
    return average(backbone.model.outputs[0], "average")


def region_average(backbone, options):
    """The regions' average activation, normalised: the fair baseline of scheme 2."""
    return average(_region_grid(backbone, options), "region_average")


def average(maps, name):
    """The average of symbolic maps over places, signed root and unit length; `name` is a prefix."""
    pooled = keras.layers.GlobalAveragePooling2D(name=f"{name}_pooling")(maps)
    return SignedSquareRoot(l2_normalization=True, name=f"{name}_norm")(pooled)


def _pair(backbone, options):
    features, guidance = backbone.pair()
    return options.features_layer or features.layer, options.guidance_layer or guidance.layer


def _pooled_windows(backbone, options, maps, prefix=""):
    features, guidance = maps
    _check_window(backbone, features, options.window_size)
    regions = LocalRegions(options.feature_channels, options.window_size, name=f"{prefix}regions")
    guidance = regions.crop(guidance)
    if guidance.shape[_channel_axis()] > options.guidance_channels:
        selection = GuidanceSelection(options.guidance_channels, name=f"{prefix}guidance")
        guidance = selection(guidance)
    return CrossLayerPooling(name=f"{prefix}pooling")([regions(features), guidance])


def _region_grid(backbone, options):
    side = backbone.image_size
    sizes = options.region_size or round(_REGION_SHARE * side)
    sizes = (sizes,) if isinstance(sizes, int) else sizes
    if max(sizes) > side:
        raise ValueError(
            f"Regions of {max(sizes)} px do not fit into pictures of {side} px: take a smaller "
            f"region_size or larger pictures. Received: region_size={sizes}"
        )
    stride = options.region_stride or max(1, (side - sizes[0]) // (_REGIONS_IN_A_ROW - 1))
    network = keras.models.clone_model(backbone.model)
    network.set_weights(backbone.model.get_weights())
    layer = RegionGrid(
        network,
        sizes,
        stride,
        options.region_mode,
        options.region_cut,
        options.region_input_size,
        name=GRID_LAYER,
    )
    return layer(backbone.input)


def _channel_axis():
    return 1 if keras.config.image_data_format() == "channels_first" else 3


def _check_window(backbone, features, window_size):
    cells = [size for axis, size in enumerate(features.shape) if axis not in (0, _channel_axis())]
    if min(cells) < window_size:
        stride = backbone.image_size // min(cells)
        raise ValueError(
            f"The feature map of {backbone.name} is {cells[0]} x {cells[1]} cells at this picture "
            f"size, too small for windows of {window_size} x {window_size}: take pictures of about "
            f"{window_size * stride} px or more, or smaller windows. "
            f"Received: image_size={backbone.image_size}"
        )
