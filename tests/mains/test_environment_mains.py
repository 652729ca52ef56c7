"""The mains where something is missing, or Keras is set otherwise than they need."""

import json
import pathlib

import keras
import pytest

from keras_crosspool import load_model
from keras_crosspool.models.policy import all_layers

ROOT = pathlib.Path(__file__).parents[2]
MAINS = {
    "train": "keras_crosspool.train",
    "evaluate": "keras_crosspool.evaluate",
    "predict": "keras_crosspool.predict",
    "extract": "keras_crosspool.extract",
    "search": "keras_crosspool.search",
    "export": "export.tflite",
}


@pytest.fixture(scope="module")
def runs(run_main, tmp_path_factory, tiny_folder):
    """Every main without TensorFlow, with a backend that is missing; and training with settings."""
    folder = tmp_path_factory.mktemp("environment")
    (folder / "sitecustomize.py").write_text('import sys\nsys.modules["tensorflow"] = None\n')
    output = folder / "output"
    output.mkdir()
    arguments = {
        "train": (f"--data={tiny_folder}", f"--output={output}/model"),
        "evaluate": (f"--model={output}/model",),
        "predict": (f"--model={output}/model", "photo.jpg"),
        "extract": (f"--model={output}/model", f"--output={output}/descriptors"),
        "search": (f"--model={output}/model", f"--descriptors={output}", "photo.jpg"),
        "export": (f"--model={output}/model", f"--output={output}/model.tflite"),
    }
    found = {}
    for name, module in MAINS.items():
        path = f"{folder}:{ROOT}"
        found[name] = run_main(module, *arguments[name], PYTHONPATH=path)
    found["theano"] = run_main(
        MAINS["train"], *arguments["train"], "--epochs=1", KERAS_BACKEND="theano"
    )
    return found, output


@pytest.mark.parametrize("name", MAINS)
def test_without_tensorflow_each_says_what_to_install(runs, name):
    done = runs[0][name]
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "error: TensorFlow is not installed: run `pip install keras_crosspool[cpu]`, or [gpu] for "
        "NVIDIA GPUs. Received: no package tensorflow\n"
    )


def test_a_backend_that_keras_does_not_have(runs):
    done = runs[0]["theano"]
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "error: Keras has no backend of that name: take one of tensorflow, jax, torch, numpy, "
        "openvino. Received: 'theano' as KERAS_BACKEND\n"
    )


def test_nothing_was_written(runs):
    assert list(runs[1].iterdir()) == []


@pytest.mark.heavy
def test_training_is_in_float32_whatever_keras_is_set_to(run_main, tiny_folder, tmp_path, tried):
    """And without epochs of fine-tuning a folder named as that of the checkpoints is left alone."""
    settings = {"floatx": "float16", "image_data_format": "channels_first"}
    (tmp_path / "keras.json").write_text(json.dumps(settings))
    mine = tmp_path / "model.checkpoints" / "step-00000001" / "photo.jpg"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    small = ("--image_size=64", "--window_size=1", "--crop_scales=1", "--nomirror", "--nobaseline")
    done = run_main(
        MAINS["train"],
        f"--data={tiny_folder}",
        "--val_split=",
        "--feature_channels=8",
        "--guidance_channels=8",
        *small,
        f"--output={tmp_path}/model",
        KERAS_HOME=str(tmp_path),
    )
    assert done.returncode == 0, done.stderr
    for name, value, used in (
        ("floatx", "float16", "float32"),
        ("image_data_format", "channels_first", "channels_last"),
    ):
        assert f"Keras is set to {name} {value}: {used} is used here" in done.stderr
    model, _ = load_model(tmp_path / "model")
    assert model.input_shape == (None, 64, 64, 3)
    assert {layer.compute_dtype for layer in all_layers(model)} == {"float32"}
    assert {variable.dtype for variable in model.variables if "seed" not in variable.path} == {
        "float32"
    }
    assert keras.config.floatx() == "float32"
    assert mine.read_text() == "mine"
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]
    tried("files", "a user's folder model.checkpoints, training without epochs", "it stays")
