"""Look-up by name, and the errors a user meets."""

import doctest
import importlib
import subprocess
import sys
import warnings

import pytest
from absl import logging

from keras_crosspool.backbones import Backbone, FeatureInfo, create_backbone, list_backbones


@pytest.mark.parametrize("name", ["MobileNetV2", "mobilenetv2", "mobilenet_v2", "MOBILENET-v2"])
def test_names_ignore_case_and_separators(name):
    assert create_backbone(name, image_size=32, weights="none").name == "MobileNetV2"


def test_list_filter():
    assert list_backbones("efficientnet_lite[01]") == ["EfficientNetLite0", "EfficientNetLite1"]
    assert list_backbones("VGG*") == ["VGG16", "VGG19"]
    assert list_backbones("nothing") == []


def test_unknown_name_gets_close_matches():
    with pytest.raises(ValueError, match=r"Did you mean ResNet50 .*list_backbones.*'resnet-51'"):
        create_backbone("resnet-51")
    with pytest.raises(ValueError, match=r"list_backbones.*Received: 'zzz'"):
        create_backbone("zzz")


@pytest.mark.parametrize("size", [31, 0, -5, 96.0, True])
def test_a_size_below_the_minimum_is_refused_in_one_line(size):
    with pytest.raises(
        ValueError, match=rf"at least 32 .*224.*Received: image_size={size}$"
    ) as caught:
        create_backbone("ResNet50", image_size=size, weights="none")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("name", "minimum"), [("InceptionV3", 75), ("Xception", 71)])
def test_the_minimum_size_itself_builds(name, minimum, random_backbone):
    assert random_backbone(name, minimum).image_size == minimum
    with pytest.raises(ValueError, match=f"at least {minimum}"):
        create_backbone(name, image_size=minimum - 1, weights="none")


@pytest.mark.parametrize("weights", ["missing.weights.h5", "random", None, 3])
def test_weights_that_do_not_exist_are_refused(weights):
    with pytest.raises(ValueError, match=rf"'none' for random.*weights={weights!r}"):
        create_backbone("MobileNetV2", image_size=32, weights=weights)


@pytest.mark.parametrize("name", ["MobileNetV2", "EfficientNetLite0"])
@pytest.mark.parametrize("suffix", [".weights.h5", ".keras", ".h5", ".txt"])
def test_a_file_that_holds_no_weights_is_refused(name, suffix, tmp_path):
    path = tmp_path / f"junk{suffix}"
    path.write_bytes(b"no weights " * 100)
    with pytest.raises(ValueError, match=f"no weights of .*Received: {path}") as caught:
        create_backbone(name, image_size=32, weights=str(path))
    assert "\n" not in str(caught.value)


def test_weights_of_another_network_are_refused(random_backbone, tmp_path):
    path = str(tmp_path / "other.weights.h5")
    random_backbone("MobileNet").model.save_weights(path)
    with warnings.catch_warnings(record=True) as noise:
        warnings.simplefilter("always", UserWarning)
        with pytest.raises(ValueError, match="no weights of mobilenetv2"):
            create_backbone("MobileNetV2", image_size=32, weights=path)
    assert not noise  # Keras alone warns a hundred times before it raises.


def test_random_weights_are_said_aloud(monkeypatch):
    said = []
    monkeypatch.setattr(logging, "warning", lambda message, *args: said.append(message % args))
    assert create_backbone("MobileNetV2", image_size=32, weights="none").weights == "none"
    assert len(said) == 1
    assert "MobileNetV2: random weights" in said[0]


def test_backbone_gives_outputs_and_an_extractor(random_backbone, images):
    backbone = random_backbone("MobileNetV2")
    assert isinstance(backbone, Backbone)
    features, guidance = backbone.default_feature_maps()
    assert features == FeatureInfo("block_16_project_BN", 32, 320, features.position)
    maps = backbone.extractor([features.layer, guidance.layer])(images("Orange", 96)[:2])
    assert {name: tuple(value.shape) for name, value in maps.items()} == {
        "block_16_project_BN": (2, 3, 3, 320),
        "out_relu": (2, 3, 3, 1280),
    }
    with pytest.raises(ValueError, match=r"Did you mean out_relu.*Conv1_relu.*'out_rleu'"):
        backbone.feature_map("out_rleu")


def test_a_nested_block_gives_its_place_in_the_network(random_backbone):
    backbone = random_backbone("ConvNeXtTiny")
    extractor = backbone.extractor(["convnext_tiny_stem"])
    assert extractor.output["convnext_tiny_stem"].shape == (None, 24, 24, 96)


@pytest.mark.parametrize("module", ["backbone", "registry", "efficientnet_lite"])
def test_docstring_examples_run(module):
    result = doctest.testmod(importlib.import_module(f"keras_crosspool.backbones.{module}"))
    assert result.attempted
    assert not result.failed


def test_import_needs_keras_and_numpy_only():
    script = (
        "import sys, keras\n"
        "before = set(sys.modules)\n"
        "import keras_crosspool.backbones as b\n"
        "assert len(b.list_backbones()) == 43\n"
        "new = {module.partition('.')[0] for module in set(sys.modules) - before}\n"
        "heavy = new & {'tensorflow', 'sklearn', 'onnx', 'tf2onnx', 'torch', 'PIL'}\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
