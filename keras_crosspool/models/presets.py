"""Presets: models under one name each, and what it stands for."""

import dataclasses
import difflib
import fnmatch

from keras_crosspool.models.classifier import CrossPoolClassifier


@dataclasses.dataclass(frozen=True)
class Preset:
    """What a name stands for. It never changes: other options get another name.

    Attributes:
        backbone: str, as `keras_crosspool.backbones.list_backbones()` gives it.
        image_size: int, side of the images in pixels.
        scheme: str, as `CrossPoolClassifier.from_backbone` takes it.
        values: int, length of the descriptor.
        parameters: int, weights of the model without its classifier.
        feature_channels: int, channels of the projected windows. Defaults to `256`.
        guidance_channels: int, guidance channels that are kept. Defaults to `256`.
    """

    backbone: str
    image_size: int
    scheme: str
    values: int
    parameters: int
    feature_channels: int = 256
    guidance_channels: int = 256


PRESETS = {
    "crosspool_efficientnet_lite0_224": Preset(
        "EfficientNetLite0", 224, "scheme1", 65_536, 4_478_240
    ),
    "crosspool_efficientnet_lite0_288": Preset(
        "EfficientNetLite0", 288, "scheme1", 65_536, 4_478_240
    ),
    "crosspool_efficientnet_lite0_320": Preset(
        "EfficientNetLite0", 320, "scheme1", 65_536, 4_478_240
    ),
    "crosspool_small_efficientnet_lite0_224": Preset(
        "EfficientNetLite0",
        224,
        "scheme1",
        4_096,
        3_669_056,
        feature_channels=32,
        guidance_channels=128,
    ),
    "crosspool_earlier_efficientnet_lite0_288": Preset(
        "EfficientNetLite0", 288, "scheme1+scheme1_earlier", 131_072, 4_908_576
    ),
    "crosspool_regions_efficientnet_lite0_224": Preset(
        "EfficientNetLite0", 224, "scheme2", 32_768, 4_036_000
    ),
    "crosspool_both_efficientnet_lite0_224": Preset(
        "EfficientNetLite0", 224, "both", 98_304, 8_514_240
    ),
    "crosspool_both_efficientnet_lite0_320": Preset(
        "EfficientNetLite0", 320, "both", 98_304, 8_514_240
    ),
    "global_average_efficientnet_lite0_224": Preset(
        "EfficientNetLite0", 224, "global_average", 1_280, 3_413_024
    ),
    "crosspool_efficientnet_lite1_240": Preset(
        "EfficientNetLite1", 240, "scheme1", 65_536, 5_254_560
    ),
    "crosspool_efficientnet_lite2_260": Preset(
        "EfficientNetLite2", 260, "scheme1", 65_536, 6_008_112
    ),
    "crosspool_mobilenet_v2_224": Preset("MobileNetV2", 224, "scheme1", 65_536, 3_323_200),
    "crosspool_efficientnet_v2b0_224": Preset(
        "EfficientNetV2B0", 224, "scheme1", 65_536, 6_689_616
    ),
    "crosspool_resnet50_224": Preset("ResNet50", 224, "scheme1", 65_536, 28_830_848),
    "crosspool_convnext_tiny_224": Preset("ConvNeXtTiny", 224, "scheme1", 65_536, 29_786_464),
}


def list_models(pattern=None):
    """Lists the names of the presets.

    Args:
        pattern: shell-style filter such as `"*lite*"`. Defaults to all.

    Returns:
        A sorted list of str.

    Example:

    >>> keras_crosspool.list_models("crosspool_both_*")
    ['crosspool_both_efficientnet_lite0_224', 'crosspool_both_efficientnet_lite0_320']
    """
    return sorted(fnmatch.filter(PRESETS, pattern or "*"))


def create_model(
    preset, class_names=None, num_classes=None, weights="imagenet", task="single_label"
):
    """Builds the classifier of a preset.

    Args:
        preset: str, one of `list_models()`.
        class_names: sequence of str, in the order of the labels. Defaults to the numbers from 0 to
            `num_classes - 1`.
        num_classes: int, where no names are given.
        weights: `"imagenet"`, the path of a weights file of the backbone, or `None` for random
            weights. Defaults to `"imagenet"`.
        task: `"single_label"` or `"multi_label"`. Defaults to `"single_label"`.

    Returns:
        `CrossPoolClassifier`, compiled. Its classifier is random until `solve` or `fit`.

    Raises:
        ValueError: if there is no such preset, or the classes are not given.

    Example:

    >>> model = keras_crosspool.create_model("crosspool_efficientnet_lite0_224", num_classes=3)
    >>> model.input_shape, model.output_shape
    ((None, 224, 224, 3), (None, 3))
    """
    if preset not in PRESETS:
        near = difflib.get_close_matches(str(preset), PRESETS, 3, 0.0)
        raise ValueError(
            f"There is no such preset; the nearest are {', '.join(near)}, and `list_models()` "
            f"gives all. Received: preset={preset!r}"
        )
    found = PRESETS[preset]
    return CrossPoolClassifier.from_backbone(
        found.backbone,
        class_names,
        num_classes,
        scheme=found.scheme,
        image_size=found.image_size,
        weights=weights,
        task=task,
        name=preset,
        feature_channels=found.feature_channels,
        guidance_channels=found.guidance_channels,
    )
