"""The examples of docs/examples run, and what they save computes the paper's formula.

Each runs in a process of its own. What it saved is loaded here, which is another process.
"""

import importlib
import pathlib
import re

import keras
import numpy as np
import pytest
from keras import ops

import keras_crosspool

EXAMPLES = pathlib.Path(__file__).parents[2] / "docs" / "examples"
NUMBER = r"(-?[\d.]+)"


@pytest.fixture
def run_example(fork_main, tmp_path):
    """A function that runs an example and gives back its output, its module and its model."""

    def run(name):
        done = fork_main(f"docs.examples.{name}", f"--output={tmp_path}")
        assert done.returncode == 0, done.stderr
        example = importlib.import_module(f"docs.examples.{name}")  # registers its classes
        return done.stdout, example, keras.saving.load_model(tmp_path / f"{name}.keras")

    return run


def _numbers(pattern, output):
    return [float(x) for x in re.search(pattern.replace("#", NUMBER), output).groups()]


def _array(tensor):
    return ops.convert_to_numpy(tensor).astype("float64")


def _pooled(features, guidance):
    """P_k = sum over positions of a[k] x, signed square root, unit length."""
    sums = np.einsum("bhwk,bhwd->bkd", guidance, features).reshape(len(features), -1)
    rooted = np.sign(sums) * np.sqrt(np.abs(sums))
    return rooted / np.linalg.norm(rooted, axis=1, keepdims=True)


def _check_training(output, model, images):
    """The loss went down, and the model predicts here what it predicted where it was trained."""
    before, after = _numbers("loss # -> #", output)
    assert after < before
    logit, difference = _numbers("logit #, largest difference after loading #", output)
    assert difference == 0.0
    assert model.predict(images, verbose=0)[0, 0] == pytest.approx(logit, abs=1e-4)


@pytest.mark.heavy
def test_functional(run_example):
    output, example, model = run_example("functional")
    images, _ = next(iter(example.load_images("test")))
    _check_training(output, model, images)
    pooling = model.get_layer("pooling")
    ends = [*pooling.input, pooling.output]
    features, guidance, descriptor = map(_array, keras.Model(model.input, ends)(images[:2]))
    assert features.shape == guidance.shape == (2, 6, 6, 96)
    np.testing.assert_allclose(descriptor, _pooled(features, guidance), atol=1e-4)


def test_subclassed(run_example):
    output, example, model = run_example("subclassed")
    images, _ = example.striped_images(96)
    _check_training(output, model, images)
    features = model.stem(images[:2] / 255.0)
    guidance = _array(model.next(features))[:, 1:-1, 1:-1]
    descriptor = _pooled(_array(model.windows(features)), guidance)
    expected = descriptor @ _array(model.logits.kernel) + _array(model.logits.bias)
    np.testing.assert_allclose(_array(model(images[:2])), expected, atol=1e-3)


def test_subclassed_adapts_to_the_principal_components(run_example):
    _, example, _ = run_example("subclassed")
    images, _ = example.striped_images(8)
    model = example.WindowClassifier(filters=4, num_classes=3)
    model(images[:1])
    model.adapt(images)
    features = model.stem(images / 255.0)
    projected = _array(model.windows(features)).reshape(-1, 4)
    np.testing.assert_allclose(projected.mean(axis=0), 0, atol=1e-4)
    maps = _array(features)
    windows = np.lib.stride_tricks.sliding_window_view(maps, (3, 3), axis=(1, 2))
    windows = windows.reshape(len(projected), -1)
    variances = np.linalg.eigvalsh(np.cov(windows.T))[::-1][:4]
    np.testing.assert_allclose(np.var(projected, axis=0, ddof=1), variances, rtol=1e-2)


def test_pyramid(run_example):
    output, _, model = run_example("pyramid")
    assert "descriptor (60, 768)" in output
    logit, accuracy = _numbers("logit #, accuracy #", output)
    assert accuracy == 1.0
    # The example's first image, of class 0: its noise is the first draw of the generator.
    image = np.random.Generator(np.random.PCG64(0)).uniform(0, 60, (1, 64, 64, 3))
    assert model.predict(image.astype("float32"), verbose=0)[0, 0] == pytest.approx(logit, abs=1e-3)


def test_pyramid_pools_two_levels_of_equal_size():
    example = importlib.import_module("docs.examples.pyramid")
    backbone = example.PyramidBackbone()
    images = np.random.default_rng(1).uniform(0, 255, (2, 64, 64, 3)).astype("float32")
    levels = keras.Model(backbone.input, backbone.pyramid_outputs)(images)
    fine, coarse = _array(levels["P3"]), _array(levels["P4"])
    assert (fine.shape, coarse.shape) == ((2, 8, 8, 24), (2, 4, 4, 32))
    averaged = fine.reshape(2, 4, 2, 4, 2, 24).mean(axis=(2, 4))
    descriptor = example.build_descriptor(example.two_levels(backbone))(images)
    np.testing.assert_allclose(_array(descriptor), _pooled(averaged, coarse), atol=1e-4)


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.stem)
def test_an_example_is_short_and_uses_public_names(path):
    source = path.read_text()
    assert len(source.splitlines()) <= 80
    assert f"python docs/examples/{path.name}" in source
    assert "import keras_crosspool as kcp" in source
    assert "keras_crosspool." not in source
    assert set(re.findall(r"kcp\.(\w+)", source)) <= set(keras_crosspool.__all__)
    assert not re.search(r"\._[a-z]", source)
