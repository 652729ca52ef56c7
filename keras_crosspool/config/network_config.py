"""Options of the network below the descriptor."""

import dataclasses

from keras_crosspool.config.option import Config, option

SCHEMES = (
    "scheme1",
    "scheme2",
    "both",
    "scheme1_2x",
    "scheme1+scheme1_2x",
    "scheme1_earlier",
    "scheme1+scheme1_earlier",
    "global_average",
    "region_average",
)
PAIRS = ("default", "search")


@dataclasses.dataclass(frozen=True)
class NetworkConfig(Config):
    """Which backbone, at which size, with which scheme."""

    backbone: str = option(
        "efficientnet_lite0",
        "Pretrained network: EfficientNetLite0-2 or any of Keras Applications, such as ResNet50.",
    )
    weights: str = option(
        "imagenet",
        "Weights of the backbone: imagenet, a weights file, or none for random ones.",
    )
    image_size: int | None = option(
        None, "Side of the images in pixels; the backbone's own if unset.", least=1
    )
    scheme: str = option(
        "scheme1",
        "What the descriptor is made of. scheme1: windows of one layer, pooled with the next; "
        "scheme1_2x: the same on the image enlarged to twice its side; scheme1_earlier: the same "
        "on the last pair of larger maps, which see finer details; scheme1+scheme1_2x and "
        "scheme1+scheme1_earlier: two of them together; scheme2: a grid of regions, each through "
        "the network, pooled with a guidance layer trained on top, better and slower; both: "
        "scheme1 and scheme2 together. auto: cross-validation chooses among "
        "scheme1, scheme2 and both. global_average and region_average are baselines.",
        choices=(*SCHEMES, "auto"),
    )
    pair: str = option(
        "default",
        "Feature maps of scheme 1: default, the last two of one size, or those that "
        "--features_layer and --guidance_layer name; search, the pair that cross-validation "
        "across sessions finds best on the images, two passes over them for each of up to six.",
        choices=PAIRS,
    )
    compress: bool = option(
        False,
        "Shorten the descriptor of scheme1 to 4096 values at the end, by what the solved "
        "classifier uses: a file many times smaller, and a little less accuracy.",
    )
