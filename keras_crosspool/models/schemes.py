"""The schemes: which branches a classifier has, by name."""

import keras

from keras_crosspool import graphs
from keras_crosspool.layers.region_grid import RegionGrid
from keras_crosspool.models.average_branch import AverageBranch
from keras_crosspool.models.branch import channel_axis
from keras_crosspool.models.grid_branch import GridBranch
from keras_crosspool.models.window_branch import WindowBranch

_ENLARGEMENT = 2
_REGION_SHARE = 2 / 5  # of the image's side
_REGIONS_IN_A_ROW = 7


def build_branches(backbone, scheme, options):
    """Puts the branches of a scheme on a backbone.

    Args:
        backbone: `Backbone`.
        scheme: str, key of `SCHEMES`.
        options: `SchemeConfig`.

    Returns:
        tuple of `Branch`.

    Raises:
        ValueError: if the scheme is unknown, or windows or regions do not fit the images.
    """
    if scheme not in SCHEMES:
        raise ValueError(f"scheme must be one of {', '.join(SCHEMES)}. Received: {scheme!r}")
    return tuple(build(backbone, options) for build in SCHEMES[scheme])


def _windows(backbone, options):
    maps = [backbone.feature_map(name) for name in _pair(backbone, options)]
    _check_window(backbone, maps[0], options.window_size)
    return WindowBranch.build(*maps, options)


def _windows_of_enlarged(backbone, options):
    """The same on the image enlarged to twice its side, by the same layers of the backbone."""
    names = _pair(backbone, options)
    side = _ENLARGEMENT * backbone.image_size
    image = keras.layers.Resizing(side, side, name="image_2x")(backbone.input)
    maps = graphs.applied(backbone.extractor(names), image)
    maps = [maps[name] for name in names]
    _check_window(backbone, maps[0], options.window_size)
    return WindowBranch.build(*maps, options, "scheme1_2x_")


def _windows_of_earlier(backbone, options):
    """The same on the last pair of larger maps, which see finer details."""
    features, _ = _pair(backbone, options)
    maps = [backbone.feature_map(info.layer) for info in backbone.earlier_feature_maps(features)]
    _check_window(backbone, maps[0], options.window_size)
    return WindowBranch.build(*maps, options, "scheme1_earlier_")


def _regions(backbone, options):
    return GridBranch.build(*_region_grid(backbone, options), options)


def _global_average(backbone, options):
    return AverageBranch.build(backbone.model.outputs[0])


def _region_average(backbone, options):
    grid, maps = _region_grid(backbone, options)
    return AverageBranch.build(maps, grid)


SCHEMES = {
    "scheme1": (_windows,),
    "scheme2": (_regions,),
    "both": (_windows, _regions),
    "scheme1_2x": (_windows_of_enlarged,),
    "scheme1+scheme1_2x": (_windows, _windows_of_enlarged),
    "scheme1_earlier": (_windows_of_earlier,),
    "scheme1+scheme1_earlier": (_windows, _windows_of_earlier),
    "global_average": (_global_average,),
    "region_average": (_region_average,),
}


def _pair(backbone, options):
    if options.features_layer and options.guidance_layer:
        return options.features_layer, options.guidance_layer
    features, guidance = backbone.default_feature_maps()
    return options.features_layer or features.layer, options.guidance_layer or guidance.layer


def _region_grid(backbone, options):
    """A `RegionGrid` of a copy of the backbone, with weights of its own, and its symbolic map."""
    if len(backbone.model.outputs) > 1:
        raise ValueError(
            "Regions run through one path of layers: name a features_layer on the way to the "
            f"guidance_layer, or take scheme1. Received: {options.features_layer!r}, "
            f"{options.guidance_layer!r}"
        )
    side = backbone.image_size
    sizes = options.region_size or round(_REGION_SHARE * side)
    sizes = sizes if isinstance(sizes, tuple) else (sizes,)
    if max(sizes) > side:
        raise ValueError(
            f"Regions of {max(sizes)} px do not fit into images of {side} px: take a smaller "
            f"region_size or larger images. Received: region_size={sizes}"
        )
    stride = options.region_stride or max(1, (side - sizes[0]) // (_REGIONS_IN_A_ROW - 1))
    network = keras.models.clone_model(backbone.model)
    network.set_weights(backbone.model.get_weights())
    grid = RegionGrid(
        network,
        sizes,
        stride,
        options.region_mode,
        options.region_cut,
        options.region_input_size,
        name="region_grid",
    )
    return grid, grid(backbone.input)


def _check_window(backbone, features, window_size):
    cells = [size for axis, size in enumerate(features.shape) if axis not in (0, channel_axis())]
    if min(cells) < window_size:
        stride = backbone.image_size // min(cells)
        raise ValueError(
            f"The feature map of {backbone.name} is {cells[0]} x {cells[1]} cells at this image "
            f"size, too small for windows of {window_size} x {window_size}: take images of about "
            f"{window_size * stride} px or more, or smaller windows. "
            f"Received: image_size={backbone.image_size}"
        )
