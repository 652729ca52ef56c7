"""Options of a training run of a few seconds, for tests of what is done with its model."""

SMALL_NETWORK = {
    "image_size": 96,
    "window_size": 2,
    "feature_channels": 8,
    "guidance_channels": 16,
    "region_size": (64,),
    "region_stride": 32,
    "region_mode": "shared",
    "grid_guidance_channels": 8,
    "crop_scales": (1.0,),
    "baseline": False,
}
