"""The examples of docs/examples run, and what they build computes the paper's formula."""

import importlib.util
import pathlib

import keras
import numpy as np
import pytest
from keras import ops

ROOT = pathlib.Path(__file__).parents[2]


@pytest.fixture
def example(tmp_path, monkeypatch):
    """A function that imports an example, in an empty folder with the data beside it."""
    (tmp_path / "data").symlink_to(ROOT / "data")
    monkeypatch.chdir(tmp_path)

    def load(name):
        spec = importlib.util.spec_from_file_location(name, ROOT / "docs/examples" / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load


def _pooled(features, guidance):
    """P_k = sum over positions of a[k] x, signed square root, unit length."""
    sums = np.einsum("bhwk,bhwd->bkd", guidance, features).reshape(len(features), -1)
    rooted = np.sign(sums) * np.sqrt(np.abs(sums))
    return rooted / np.linalg.norm(rooted, axis=1, keepdims=True)


def test_functional(example):
    model, loaded, images, loss = example("functional").main(weights=None, steps=3)
    assert loss[-1] < loss[0]
    np.testing.assert_array_equal(
        loaded.predict(images, verbose=0), model.predict(images, verbose=0)
    )
    pooling = model.get_layer("pooling")
    maps = keras.Model(model.input, pooling.input)(images[:2])
    descriptor = keras.Model(model.input, pooling.output)(images[:2])
    expected = _pooled(*(ops.convert_to_numpy(x).astype("float64") for x in maps))
    np.testing.assert_allclose(ops.convert_to_numpy(descriptor), expected, atol=1e-4)


def test_subclassed(example):
    model, loaded, images, loss = example("subclassed").main()
    assert loss[-1] < loss[0]
    np.testing.assert_array_equal(
        loaded.predict(images, verbose=0), model.predict(images, verbose=0)
    )
    features = ops.convert_to_numpy(model.stem(images[:2] / 255.0))
    guidance = ops.convert_to_numpy(model.next(features))[:, 1:-1, 1:-1]
    regions = ops.convert_to_numpy(model.regions(features))
    expected = _pooled(regions.astype("float64"), guidance) @ ops.convert_to_numpy(
        model.logits.kernel
    ) + ops.convert_to_numpy(model.logits.bias)
    np.testing.assert_allclose(ops.convert_to_numpy(model(images[:2])), expected, atol=1e-3)


def test_pyramid(example):
    model, images, labels = example("pyramid").main()
    assert (model.predict(images, verbose=0).argmax(axis=1) == labels).mean() == 1.0
    (branch,) = model.branches
    levels = keras.Model(model.input, [branch.features, branch.source])(images[:1])
    fine, coarse = (x.shape for x in levels)
    assert (tuple(fine), tuple(coarse)) == ((1, 4, 4, 24), (1, 4, 4, 32))
