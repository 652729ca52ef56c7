"""What can be chosen about a scheme."""

import dataclasses

GRID_GUIDANCES = ("trained", "selected")


@dataclasses.dataclass(frozen=True)
class SchemeOptions:
    """The sizes of a scheme's parts; each scheme reads those of its own branches.

    Attributes:
        window_size: int, side of the windows of scheme 1, in places of the feature map.
        feature_channels: int, principal components kept of a window or a region (D).
        guidance_channels: int, most guidance channels of scheme 1 (K); of more, the most active
            are selected.
        features_layer: str, layer of scheme 1's local features; by default `backbone.pair()`.
        guidance_layer: str, layer of scheme 1's guidance; by default `backbone.pair()`.
        region_size: int or tuple of ints, sides of the regions of scheme 2 in pixels; by default
            two fifths of the picture's.
        region_stride: int, pixels from region to region; by default such that there are seven in
            a row.
        region_mode: `"crops"`, `"partial"` or `"shared"`, see `RegionGrid`.
        region_cut: str, layer after which the mode `"partial"` cuts the regions out.
        region_input_size: int, side to which regions are resized for the network; by default
            their own.
        grid_guidance: `"trained"`, a convolution to be trained on top of the grid, or
            `"selected"`, the regions' most active channels themselves, for comparison.
        grid_guidance_channels: int, guidance channels of scheme 2 (K).
    """

    window_size: int = 3
    feature_channels: int = 256
    guidance_channels: int = 256
    features_layer: str | None = None
    guidance_layer: str | None = None
    region_size: int | tuple[int, ...] | None = None
    region_stride: int | None = None
    region_mode: str = "crops"
    region_cut: str | None = None
    region_input_size: int | None = None
    grid_guidance: str = "trained"
    grid_guidance_channels: int = 128

    def __post_init__(self):
        if self.grid_guidance not in GRID_GUIDANCES:
            raise ValueError(
                f"grid_guidance must be one of {', '.join(GRID_GUIDANCES)}. "
                f"Received: {self.grid_guidance!r}"
            )
