"""What Keras is set to and what is missing, said in a line before anything fails."""

import importlib.util
import json
import os
import subprocess
import sys

import keras
import numpy as np
import pytest
from absl import logging

from keras_crosspool import CrossLayerPooling, build_model, environment
from keras_crosspool.environment import (
    check_keras_settings,
    check_tensorflow_backend,
    keras_problem,
    prepare_keras,
)


@pytest.fixture
def settings(tmp_path, monkeypatch):
    """A function that writes Keras' settings file; gives its path."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.delenv("KERAS_BACKEND", raising=False)

    def write(text):
        path = tmp_path / "keras.json"
        path.write_text(text if isinstance(text, str) else json.dumps(text))
        return path

    return write


@pytest.fixture
def missing(monkeypatch):
    """A function that lets a package seem to be missing."""
    find_spec = importlib.util.find_spec

    def hide(*names):
        def find(name, package=None):
            return None if name in names else find_spec(name, package)

        monkeypatch.setattr(environment.importlib.util, "find_spec", find)

    return hide


@pytest.fixture
def restored():
    """Keras' settings as they were, after the test."""
    yield
    keras.config.set_floatx("float32")
    keras.config.set_image_data_format("channels_last")


def test_all_is_well(settings):
    assert keras_problem() is None
    settings({"floatx": "float32", "epsilon": 1e-7, "backend": "tensorflow"})
    assert keras_problem() is None
    settings("{ no JSON")  # Keras passes over it
    assert keras_problem() is None


@pytest.mark.parametrize("backend", ["jax", "torch", "numpy", "openvino"])
def test_a_backend_that_is_not_installed(settings, missing, monkeypatch, backend, tried):
    package = {"numpy": "jax"}.get(backend, backend)
    missing(package)
    path = settings({"backend": backend})
    problem = keras_problem()
    assert f"`pip install {package}`, or set KERAS_BACKEND=tensorflow." in problem
    assert problem.endswith(f"Received: no package {package}, {backend!r} as backend in {path}")
    monkeypatch.setenv("KERAS_BACKEND", backend)
    settings({"backend": "tensorflow"})
    assert keras_problem().endswith(f"{backend!r} as KERAS_BACKEND")
    monkeypatch.setenv("KERAS_BACKEND", "")  # Keras takes it for unset
    assert keras_problem() is None
    tried("environment", f"KERAS_BACKEND={backend} without {package}", problem)


def test_tensorflow_is_not_installed(settings, missing, monkeypatch, tried):
    missing("tensorflow")
    problem = keras_problem()
    assert problem == (
        "TensorFlow is not installed: run `pip install keras_crosspool[cpu]`, or [gpu] for NVIDIA "
        "GPUs. Received: no package tensorflow"
    )
    with pytest.raises(ImportError, match=r"keras_crosspool\[cpu\]"):
        prepare_keras()
    tried("environment", "no TensorFlow", problem)
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    missing("tensorflow", "jax")
    assert "`pip install jax`" in keras_problem()
    monkeypatch.setattr(environment, "keras_problem", lambda: None)  # as with JAX installed
    prepare_keras("keras")
    for needs in ("tensorflow", "backend"):
        with pytest.raises(ImportError, match=r"reads the images, is not installed.*\[cpu\]"):
            prepare_keras(needs)


def test_keras_is_not_installed(settings, missing):
    missing("keras")
    assert keras_problem().startswith("Keras is not installed: run `pip install keras`.")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            {"floatx": "bfloat16"},
            r"as floatx one of float16.*Received: 'bfloat16' in .*keras\.json",
        ),
        ({"floatx": 32}, r"as floatx one of .*Received: 32 in"),
        ({"image_data_format": "NCHW"}, r"as image_data_format one of channels_last.*'NCHW' in"),
        ({"epsilon": 1}, r"as epsilon a number such as 1e-07.*Received: 1 in .*keras\.json$"),
        ({"backend": "theano"}, r"no backend of that name: take one of tensorflow, .*'theano' as"),
        ([], r"must hold a JSON object.*Received: .*keras\.json$"),
    ],
)
def test_settings_with_which_keras_is_not_imported(settings, text, words, tried):
    """Keras says the same of each, or fails, when it is imported."""
    path = settings(text)
    with pytest.raises(ImportError, match=words) as error:
        prepare_keras()
    if text == {"floatx": "bfloat16"}:
        tried("environment", "floatx bfloat16 in keras.json", error.value)
    done = subprocess.run(
        [sys.executable, "-c", "import keras_crosspool; keras_crosspool.RegionGrid"],
        env=os.environ | {"KERAS_HOME": str(path.parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == f"ImportError: {error.value}"


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("floatx", "float16", "float32"),
        ("floatx", "bfloat16", "float32"),
        ("floatx", "float64", "float32"),
        ("image_data_format", "channels_first", "channels_last"),
    ],
)
def test_commands_set_what_they_need(restored, monkeypatch, name, value, expected, tried):
    warnings = []
    monkeypatch.setattr(logging, "warning", lambda text, *args: warnings.append(text % args))
    getattr(keras.config, f"set_{name}")(value)
    prepare_keras()
    assert getattr(keras.config, name)() == expected
    assert warnings == [f"Keras is set to {name} {value}: {expected} is used here"]
    prepare_keras()
    assert len(warnings) == 1
    tried("environment", f"{name} {value} in keras.json", warnings[0])


def test_models_are_not_built_under_other_settings(restored, settings, backbone, tried):
    settings({})
    for name, value in (("floatx", "float16"), ("image_data_format", "channels_first")):
        getattr(keras.config, f"set_{name}")(value)
        with pytest.raises(ValueError, match=rf"change .*keras\.json.*{value}") as error:
            build_model(backbone, 3)
        keras.config.set_floatx("float32")
        if name == "floatx":
            tried("environment", "build_model under floatx float16", error.value)
    keras.config.set_image_data_format("channels_last")
    check_keras_settings()


def test_another_backend_is_refused_by_name(monkeypatch, tried):
    from keras_crosspool.exporting.source import make_source

    check_tensorflow_backend("Export")
    for backend in ("jax", "torch"):
        monkeypatch.setattr(keras.config, "backend", lambda name=backend: name)
        with pytest.raises(ValueError, match=rf"^Export runs.*the backend {backend}$") as error:
            make_source(None, None)
        with pytest.raises(ValueError, match=r"^This command runs under Keras' backend TensorFlow"):
            prepare_keras("backend")
    tried("environment", "export with Keras' backend torch", error.value)


@pytest.mark.parametrize(
    ("name", "value", "tolerance"),
    [("floatx", "float16", 3e-3), ("floatx", "float64", 1e-6),
     ("image_data_format", "channels_first", 1e-6)],
)  # fmt: skip
def test_the_layers_work_under_any_setting(restored, name, value, tolerance):
    rng = np.random.default_rng(0)
    maps = [rng.normal(size=(2, 4, 4, channels)).astype("float32") for channels in (5, 3)]
    expected = CrossLayerPooling()(maps)
    if value == "channels_first":
        maps = [x.transpose(0, 3, 1, 2) for x in maps]
    getattr(keras.config, f"set_{name}")(value)
    found = CrossLayerPooling()(maps)
    found, expected = (keras.ops.convert_to_numpy(x) for x in (found, expected))
    np.testing.assert_allclose(found, expected, atol=tolerance)
