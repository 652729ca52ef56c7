"""The generic path for the Keras Applications networks: all of them, and no image mis-scaled."""

import os
import subprocess
import sys

import keras
import numpy as np
import pytest

from keras_crosspool.backbones import create_backbone, list_backbones
from keras_crosspool.backbones.registry import _entries

# Side the network was trained at and smallest side, as the papers and the Keras pages have them.
SIZES = {
    "ConvNeXtBase": (224, 32),
    "ConvNeXtLarge": (224, 32),
    "ConvNeXtSmall": (224, 32),
    "ConvNeXtTiny": (224, 32),
    "ConvNeXtXLarge": (224, 32),
    "DenseNet121": (224, 32),
    "DenseNet169": (224, 32),
    "DenseNet201": (224, 32),
    "EfficientNetB0": (224, 32),
    "EfficientNetB1": (240, 32),
    "EfficientNetB2": (260, 32),
    "EfficientNetB3": (300, 32),
    "EfficientNetB4": (380, 32),
    "EfficientNetB5": (456, 32),
    "EfficientNetB6": (528, 32),
    "EfficientNetB7": (600, 32),
    "EfficientNetLite0": (224, 32),
    "EfficientNetLite1": (240, 32),
    "EfficientNetLite2": (260, 32),
    "EfficientNetV2B0": (224, 32),
    "EfficientNetV2B1": (240, 32),
    "EfficientNetV2B2": (260, 32),
    "EfficientNetV2B3": (300, 32),
    "EfficientNetV2L": (480, 32),
    "EfficientNetV2M": (480, 32),
    "EfficientNetV2S": (384, 32),
    "InceptionResNetV2": (299, 75),
    "InceptionV3": (299, 75),
    "MobileNet": (224, 32),
    "MobileNetV2": (224, 32),
    "MobileNetV3Large": (224, 32),
    "MobileNetV3Small": (224, 32),
    "NASNetLarge": (331, 32),
    "NASNetMobile": (224, 32),
    "ResNet101": (224, 32),
    "ResNet101V2": (224, 32),
    "ResNet152": (224, 32),
    "ResNet152V2": (224, 32),
    "ResNet50": (224, 32),
    "ResNet50V2": (224, 32),
    "VGG16": (224, 32),
    "VGG19": (224, 32),
    "Xception": (299, 71),
}

MEAN, STDDEV = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
BGR_MEAN = np.array([103.939, 116.779, 123.68])


def caffe(x):
    return x[..., ::-1] - BGR_MEAN


def plus_minus_one(x):
    return x / 127.5 - 1


def standardise(x):
    return (x / 255 - MEAN) / STDDEV


# The smallest network of each module, and what its first convolution must see.
PREPROCESSING = {
    "ConvNeXtTiny": standardise,
    "DenseNet121": standardise,
    # Without weights the layer that subtracts mean and deviation is still the identity.
    "EfficientNetB0": lambda x: x / 255 / np.sqrt(STDDEV),
    "EfficientNetLite0": lambda x: (x - 127) / 128,
    "EfficientNetV2B0": standardise,
    "EfficientNetV2S": lambda x: x / 128 - 1,
    "InceptionResNetV2": plus_minus_one,
    "InceptionV3": plus_minus_one,
    "MobileNet": plus_minus_one,
    "MobileNetV2": plus_minus_one,
    "MobileNetV3Small": plus_minus_one,
    "NASNetMobile": plus_minus_one,
    "ResNet50": caffe,
    "ResNet50V2": plus_minus_one,
    "VGG16": caffe,
    "VGG19": caffe,
    "Xception": plus_minus_one,
}
QUICK = PREPROCESSING.keys() - {"InceptionResNetV2", "NASNetMobile"}


def _tiers(names):
    """The names as parameters of a test; networks that take long to build are of the heavy tier."""
    return [n if n in QUICK else pytest.param(n, marks=pytest.mark.heavy) for n in names]


def test_the_list_is_complete():
    assert list_backbones() == sorted(SIZES)
    assert len(SIZES) == 43


@pytest.mark.parametrize("name", SIZES)
def test_default_and_minimum_size(name):
    entry = _entries()[name.lower()]
    assert (entry.default_size, entry.minimum_size) == SIZES[name]


@pytest.mark.parametrize("name", [name for name in SIZES if "Lite" not in name])
def test_keras_asks_for_the_same_sizes(name):
    """Of an image of one pixel it says what it wants; MobileNetV3 says its least size alone."""
    entry, function = _entries()[name.lower()], getattr(keras.applications, name)
    refusals = []
    for arguments in ({"weights": "imagenet"}, {"weights": None, "include_top": False}):
        with pytest.raises(ValueError, match=r"Received|should be|at least") as refusal:
            function(input_shape=(1, 1, 3), **arguments)
        refusals.append(str(refusal.value))
    if not name.startswith("MobileNetV3"):
        assert f"({entry.default_size}, {entry.default_size}, 3)" in refusals[0]
    assert f"{entry.minimum_size}x{entry.minimum_size}" in refusals[1]


@pytest.mark.parametrize("name", _tiers(SIZES))
def test_builds_flat_with_a_chain_of_maps_and_a_pair(name, random_backbone):
    if name in PREPROCESSING:
        backbone = random_backbone(name)
    else:  # Not kept: the large ones fill the memory.
        backbone = create_backbone(name, image_size=96, weights="none")
    names = [operation.name for operation in backbone.model.operations]
    assert len(set(names)) == len(names)
    assert backbone.input.shape == (None, 96, 96, 3)
    assert not [layer for layer in backbone.model.layers if type(layer) is keras.Model]

    strides = [info.stride for info in backbone.feature_info]
    assert strides == sorted(strides)
    assert [info.position for info in backbone.feature_info] == list(range(len(strides)))
    for info in backbone.feature_info:
        assert backbone.feature_map(info.layer).shape[-1] == info.channels

    features, guidance = backbone.default_feature_maps()
    assert (
        backbone.feature_map(guidance.layer).shape[1:3]
        == backbone.feature_map(features.layer).shape[1:3]
    )


@pytest.mark.parametrize("name", _tiers(PREPROCESSING))
def test_preprocessing_is_in_the_graph_once(name, random_backbone, images):
    backbone = random_backbone(name)
    kernel = (keras.layers.Conv2D, keras.layers.ZeroPadding2D, keras.Sequential)
    first = next(op for op in backbone.model.operations if isinstance(op, kernel))
    seen = first._inbound_nodes[-1].input_tensors[0]
    image = images("Orange", 96)[:1]
    found = keras.Model(backbone.input, seen)(image)
    expected = PREPROCESSING[name](image.astype("float64"))
    np.testing.assert_allclose(keras.ops.convert_to_numpy(found), expected, rtol=1e-4, atol=1e-4)


def assert_survives_saving(model, image, path):
    model.save(path)
    loaded = keras.models.load_model(path)
    found, expected = (keras.ops.convert_to_numpy(m(image)) for m in (loaded, model))
    assert expected.std() > 0
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("name", _tiers(PREPROCESSING))
def test_preprocessing_and_first_block_survive_saving(name, random_backbone, images, tmp_path):
    backbone = random_backbone(name)
    # Up to the tenth map, or all three of NASNet: each kind of layer is among them.
    layer = backbone.feature_info[min(10, len(backbone.feature_info) - 1)].layer
    model = keras.Model(backbone.input, backbone.feature_map(layer))
    assert_survives_saving(model, images("Orange", 96)[:1], tmp_path / "model.keras")


@pytest.mark.parametrize("name", ["EfficientNetLite0", "MobileNetV3Small"])
def test_whole_network_survives_saving(name, images, tmp_path):
    weights = "imagenet" if name == "EfficientNetLite0" else "none"
    model = create_backbone(name, image_size=96, weights=weights).model
    assert_survives_saving(model, images("Orange", 96)[:1], tmp_path / "model.keras")


@pytest.mark.parametrize("suffix", [".weights.h5", ".keras", ".h5"])
def test_a_weights_file_of_plain_keras_is_loaded(suffix, tmp_path):
    plain = keras.applications.MobileNetV2(weights=None, include_top=False, input_shape=(64, 64, 3))
    path = str(tmp_path / f"mobilenet{suffix}")
    plain.save_weights(path) if suffix == ".weights.h5" else plain.save(path)
    backbone = create_backbone("MobileNetV2", image_size=64, weights=path)
    assert backbone.weights == path
    for found, expected in zip(backbone.model.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.heavy
def test_a_file_of_efficientnet_gives_what_imagenet_weights_give(monkeypatch, tmp_path, images):
    plain = keras.applications.EfficientNetB0(
        weights=None, include_top=False, input_shape=(64, 64, 3)
    )
    plain.get_layer(index=2).set_weights([MEAN, STDDEV**2, np.array(1)])
    path = str(tmp_path / "efficientnetb0_notop.h5")
    plain.save(path)
    # In place of the download; the rest of Keras' way to weights="imagenet" is its own.
    monkeypatch.setattr("keras.src.utils.file_utils.get_file", lambda *_, **__: path)
    reference = keras.applications.EfficientNetB0(
        weights="imagenet", include_top=False, input_shape=(64, 64, 3)
    )
    image, layer = images("Orange", 64)[:2], "block2a_project_bn"
    expected = keras.Model(reference.inputs[0], reference.get_layer(layer).output)(image)
    expected = keras.ops.convert_to_numpy(expected)
    assert expected.std() > 0
    for weights in ("imagenet", path):
        backbone = create_backbone("EfficientNetB0", image_size=64, weights=weights)
        found = keras.ops.convert_to_numpy(backbone.extractor([layer])(image)[layer])
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4 * expected.std())


def test_a_failed_download_says_what_to_do(tmp_path):
    script = (
        "from keras_crosspool.backbones import create_backbone\n"
        "try:\n"
        "    create_backbone('MobileNet', image_size=320)\n"
        "except ConnectionError as error:\n"
        "    assert error.__cause__ is not None\n"
        "    print(error)\n"
    )
    nowhere = {"https_proxy": "http://127.0.0.1:9", "KERAS_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-W", "error::UserWarning", "-c", script],
        env=os.environ | nowhere,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "ImageNet weights of MobileNet could not be downloaded" in done.stdout
    assert "https://" in done.stdout
    assert "give its path as `weights`" in done.stdout
