"""Options of the schemes: the sizes of their parts."""

import dataclasses

from keras_crosspool.config.option import Config, option

REGION_MODES = ("crops", "partial", "shared")
GRID_GUIDANCES = ("trained", "selected")


@dataclasses.dataclass(frozen=True)
class SchemeConfig(Config):
    """The sizes of a scheme's parts; each scheme reads those of its own branches."""

    window_size: int = option(3, "Side of the windows of scheme 1, in positions.", least=1)
    feature_channels: int = option(256, "Principal components of a window or region.", least=1)
    guidance_channels: int = option(256, "Guidance channels of scheme 1 at most.", least=1)
    features_layer: str | None = option(
        None, "Layer of scheme 1's local features; the last but one map of its size if unset."
    )
    guidance_layer: str | None = option(
        None, "Layer of scheme 1's guidance, of the same map size; the last map if unset."
    )
    region_size: tuple[int, ...] | int | None = option(
        None,
        "Sides of the regions of scheme 2 in pixels, one or several; two fifths of the image's "
        "side if unset.",
    )
    region_stride: int | None = option(
        None, "Pixels from region to region; seven regions in a row if unset.", least=1
    )
    region_mode: str = option(
        "crops",
        "Where regions are cut: crops, from the image, the slowest; partial, after the layer "
        "--region_cut; shared, from the network's last map, the fastest.",
        choices=REGION_MODES,
    )
    region_cut: str | None = option(None, "Layer after which --region_mode=partial cuts.")
    region_input_size: int | None = option(
        None, "Side to which regions are resized; their own if unset.", least=1
    )
    grid_guidance: str = option(
        "trained",
        "Guidance of scheme 2: a trained layer, or the regions' own most active channels.",
        choices=GRID_GUIDANCES,
    )
    grid_guidance_channels: int = option(128, "Guidance channels of scheme 2.", least=1)
