"""Every Keras Applications network as a backbone, through one generic path.

The functions are found in `keras.applications`, the preprocessing in the module of each. Only the
image sizes that differ from most networks' are listed here.
"""

import collections
import functools
import inspect
import re
import warnings

import keras

from keras_crosspool.backbones.entry import Entry
from keras_crosspool.backbones.images import image_input
from keras_crosspool.backbones.weights_file import load_weights_file

# Sides in pixels, as Keras documents them: what a network was trained at, and the least it takes.
_DEFAULT_SIZE = 224
_DEFAULT_SIZES = {
    "EfficientNetB1": 240,
    "EfficientNetB2": 260,
    "EfficientNetB3": 300,
    "EfficientNetB4": 380,
    "EfficientNetB5": 456,
    "EfficientNetB6": 528,
    "EfficientNetB7": 600,
    "EfficientNetV2B1": 240,
    "EfficientNetV2B2": 260,
    "EfficientNetV2B3": 300,
    "EfficientNetV2L": 480,
    "EfficientNetV2M": 480,
    "EfficientNetV2S": 384,
    "InceptionResNetV2": 299,
    "InceptionV3": 299,
    "NASNetLarge": 331,
    "Xception": 299,
}
_MINIMUM_SIZE = 32
_MINIMUM_SIZES = {"InceptionResNetV2": 75, "InceptionV3": 75, "Xception": 71}
_IMAGENET_STDDEV_RGB = (0.229, 0.224, 0.225)


def entries():
    """Lists the Keras Applications networks.

    Returns:
        A list of `Entry`, one for each network function of `keras.applications`.
    """
    return [
        _entry(name, function)
        for name, function in inspect.getmembers(keras.applications, inspect.isfunction)
    ]


def _entry(name, function):
    module = getattr(keras.applications, function.__module__.rpartition(".")[2])
    return Entry(
        name=name,
        build=functools.partial(_build, name, function, module.preprocess_input),
        default_size=_DEFAULT_SIZES.get(name, _DEFAULT_SIZE),
        minimum_size=_MINIMUM_SIZES.get(name, _MINIMUM_SIZE),
    )


def _build(name, function, preprocess, image_size, weights):
    """Builds a network around its own preprocessing, so that it takes RGB in 0-255."""
    images = image_input(image_size)
    build = functools.partial(function, include_top=False, input_tensor=preprocess(images))
    if weights == "imagenet":
        return _renumber(_with_one_input(images, _build_pretrained(name, build)))
    model = _with_one_input(images, build(weights=None))
    if function.__module__.endswith(".efficientnet"):
        model = keras.models.clone_model(model, call_function=_rescale_after_normalization)
    if weights is not None:
        load_weights_file(model, weights)
    return _renumber(model)


def _with_one_input(images, model):
    """Takes an image, where the Keras function made a model that takes a list of one."""
    return keras.Model(images, model.outputs[0], name=model.name)


def _build_pretrained(name, build):
    with warnings.catch_warnings():
        # The MobileNets say that their weights come from 224 px; that is what is wanted here.
        warnings.filterwarnings("ignore", message="`input_shape` is undefined")
        try:
            return build(weights="imagenet")
        except Exception as error:
            # Keras turns what the network layer raised into a plain Exception.
            if not isinstance(error.__context__, OSError) and not isinstance(error, OSError):
                raise
            raise ConnectionError(
                f"The ImageNet weights of {name} could not be downloaded ({error}). Connect to "
                "the network once (Keras keeps the file), or fetch this file elsewhere and give "
                "its path as `weights`. Received: weights='imagenet'"
            ) from error


def _rescale_after_normalization(layer, *args, **kwargs):
    """Adds the step that Keras builds into EfficientNet for `weights="imagenet"` only.

    A file of those weights would otherwise load without a word and see wrongly scaled images.
    """
    x = layer(*args, **kwargs)
    if isinstance(layer, keras.layers.Normalization):
        scale = [stddev**-0.5 for stddev in _IMAGENET_STDDEV_RGB]
        return keras.layers.Rescaling(scale)(x)
    return x


def _renumber(model):
    """Numbers the automatic layer names (`activation_19`) as in a fresh Python process.

    Keras counts on from network to network; a feature map's name must not depend on what was
    built before.
    """
    numbered = collections.defaultdict(list)
    for operation in model.operations:
        prefix, number = re.fullmatch(r"(.+?)(?:_(\d+))?", operation.name).groups()
        if prefix.replace("_", "") == type(operation).__name__.lower():
            numbered[prefix].append((int(number or 0), operation))
    for prefix, operations in numbered.items():
        first = min(number for number, _ in operations)
        for number, operation in operations:
            operation.name = f"{prefix}_{number - first}" if number > first else prefix
    return model
