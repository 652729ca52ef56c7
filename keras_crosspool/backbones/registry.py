"""Looks up a backbone by name and builds it: preprocessing, feature maps and weights."""

import difflib
import fnmatch
import functools
import os

from absl import logging

from keras_crosspool.backbones import applications, efficientnet_lite
from keras_crosspool.backbones.backbone import Backbone
from keras_crosspool.backbones.feature_maps import find_feature_maps
from keras_crosspool.whole_numbers import whole_number


def create_backbone(name, image_size=None, weights="imagenet"):
    """Builds a backbone.

    Args:
        name: name of the network, as `list_backbones()` gives it; case, `_` and `-` are ignored.
        image_size: side of the square input in pixels. `None` (the default) is the size the
            network was trained at.
        weights: `"imagenet"` (the default), the path of a weights file (`.weights.h5`, `.keras`,
            `.h5`, for EfficientNet-Lite also `.pth`), or `"none"` for random weights, which is
            logged as a warning.

    Input shape:
        `(batch, image_size, image_size, 3)`, RGB, 0-255.

    Returns:
        A `Backbone`.

    Raises:
        ValueError: an unknown name, a size below the network's minimum, or no such weights.
        ImportError: the weights are in a package that is not installed.
        ConnectionError: the weights could not be downloaded.

    Example:

    >>> backbone = create_backbone("mobilenet_v2", image_size=96, weights="none")
    >>> backbone.name, backbone.model.output_shape
    ('MobileNetV2', (None, 3, 3, 1280))
    """
    entry = _find(name)
    if image_size is None:
        image_size = entry.default_size
    size = check_image_size(name, image_size)
    model = entry.build(size, _checked_weights(entry.name, weights))
    return Backbone(entry.name, model, find_feature_maps(model), os.fspath(weights))


def check_image_size(name, size, argument="image_size"):
    """Refuses images that are too small for a network.

    Args:
        name: name of the network, as for `create_backbone`.
        size: side of the square input in pixels.
        argument: str, what an error calls the size. Defaults to `"image_size"`.

    Returns:
        int, the size.

    Raises:
        ValueError: if the network is unknown, or the size no whole number or too small.

    Example:

    >>> check_image_size("xception", 96)
    96
    """
    entry = _find(name)
    try:
        return whole_number(argument, size, least=entry.minimum_size)
    except ValueError as error:
        raise ValueError(
            f"{entry.name} takes images of at least {entry.minimum_size} pixels (its own are of "
            f"{entry.default_size}). {error}"
        ) from error


def list_backbones(pattern=None):
    """Lists the names of the backbones.

    Args:
        pattern: shell-style filter such as `"resnet*"`; case and `_` are ignored. `None` (the
            default) lists all.

    Returns:
        A sorted list of canonical names.

    Example:

    >>> list_backbones("efficientnet_lite*")
    ['EfficientNetLite0', 'EfficientNetLite1', 'EfficientNetLite2']
    """
    wanted = "*" if pattern is None else pattern.lower().replace("_", "")
    return sorted(
        entry.name for key, entry in _entries().items() if fnmatch.fnmatchcase(key, wanted)
    )


@functools.cache
def _entries():
    entries = [*applications.entries(), *efficientnet_lite.entries()]
    return {_key(entry.name): entry for entry in entries}


def _key(name):
    return name.lower().replace("_", "").replace("-", "")


def _find(name):
    if not isinstance(name, str):
        raise ValueError(
            "Expected the name of a backbone, a `Backbone`, or a functional Keras model. "
            f"Received: {name!r}"
        )
    entries = _entries()
    if _key(name) in entries:
        return entries[_key(name)]
    close = [entries[key].name for key in difflib.get_close_matches(_key(name), entries)]
    hint = f"Did you mean {' or '.join(close)}? " if close else ""
    raise ValueError(
        f"There is no backbone of this name. {hint}"
        f"`keras_crosspool.backbones.list_backbones()` lists all. Received: {name!r}"
    )


def _checked_weights(name, weights):
    """Logs a warning for random weights; refuses what is neither a known word nor a file."""
    if weights == "imagenet":
        return weights
    if weights == "none":
        logging.warning("%s: random weights, it has learnt nothing.", name)
        return None
    if isinstance(weights, str | os.PathLike) and os.path.isfile(weights):
        return os.fspath(weights)
    raise ValueError(
        "Expected weights to be 'imagenet', the path of a weights file, or 'none' for random "
        f"weights; there is no such file. Received: weights={weights!r}"
    )
