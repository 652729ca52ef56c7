"""The report of a run: complete where it can be, and never worth more than the model."""

import dataclasses
import json

import numpy as np
import pytest
from absl import logging
from PIL import Image

from keras_crosspool import load_model
from keras_crosspool.evaluation import plots
from keras_crosspool.models.directory import save_model
from keras_crosspool.models.metadata import ModelMetadata
from keras_crosspool.models.training_scores import TrainingScores
from keras_crosspool.training.report import write_report
from keras_crosspool.training.validation import Predictions

NAMES = ("$\\frac{$", "[red]pear\x1b[31m", "🍐:pear: _{")


@pytest.fixture
def directory(tmp_path, tiny_network):
    metadata = ModelMetadata(
        name="tiny", class_names=NAMES, image_size=16, arguments={"mirror": True},
        data={"path": "caf\udce9/\x1b[2J", "train_split": "train", "val_split": "test",
              "fingerprint": "0"},
        versions={}, scores=TrainingScores({"accuracy": 0.5}),
    )  # fmt: skip
    save_model(tmp_path / "model", tiny_network(), metadata)
    return tmp_path / "model"


@pytest.fixture
def validation(test_split):
    labels = np.arange(test_split.size) % 3
    return Predictions(test_split, np.eye(3)[labels[::-1]], labels)


@pytest.fixture
def warnings(monkeypatch):
    found = []
    monkeypatch.setattr(logging, "warning", lambda text, *args: found.append(text % args))
    return found


def _files(directory):
    found = {str(x.relative_to(directory)) for x in directory.rglob("*") if x.is_file()}
    return found - {"keras_crosspool.manifest.json"}


def test_names_of_any_kind_are_reported(directory, validation, warnings):
    model, metadata = load_model(directory)
    history = {"loss": [2.0, float("nan")], "val_loss": [2.0, 1.5]}
    write_report(directory, model, metadata, history, validation)
    assert warnings == []
    assert _files(directory) == {
        "model.keras", "model.json", "README.md", "history.json", "plots/training_curve.png",
        "plots/confusion_matrix.png", "plots/confused_pairs.png", "plots/reliability.png",
        "report.html",
    }  # fmt: skip
    for path in (directory / "plots").iterdir():
        with Image.open(path) as image:
            image.verify()
    card = (directory / "README.md").read_text(encoding="utf-8")
    assert r"of `caf\udce9/\x1b[2J`, sha256" in card
    assert all(f"(plots/{path.name})" in card for path in (directory / "plots").iterdir())
    assert json.loads((directory / "history.json").read_text())["loss"] == [2.0, None]


@pytest.mark.parametrize("error", [MemoryError("no room"), ValueError("no font"), OSError(28, "x")])
def test_a_part_that_fails_is_left_out_with_a_warning(
    directory, validation, warnings, monkeypatch, error, tried
):
    def fail(*arguments):
        arguments[3].write_bytes(b"half an image")
        raise error

    monkeypatch.setattr(plots, "plot_confusion", fail)
    before = {name: (directory / name).read_bytes() for name in ("model.keras", "model.json")}
    write_report(directory, *load_model(directory), {}, validation)
    (warning,) = warnings
    assert warning.startswith(
        f"{directory} is whole, but its report lacks plots/confusion_matrix.png "
        f"({type(error).__name__}: {error}"
    )
    rest = {"README.md", "report.html", "plots/confused_pairs.png", "plots/reliability.png"}
    assert _files(directory) == {*before, *rest}
    assert {name: (directory / name).read_bytes() for name in before} == before
    tried("training", f"a plot that fails at the end of training: {error!r}", warning)


def test_several_labels(directory, validation, warnings):
    model, metadata = load_model(directory)
    metadata = dataclasses.replace(metadata, task="multi_label")
    several = dataclasses.replace(validation, labels=np.eye(3, dtype="int32")[[0, 1] * 6])
    write_report(directory, model, metadata, {}, several)
    assert warnings == []
    assert {"plots/average_precision.png", "report.html"} <= _files(directory)
