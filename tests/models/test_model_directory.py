"""Model directories: written whole or not at all, read back equal, refused when damaged."""

import dataclasses
import json
import zipfile

import keras
import numpy as np
import pytest

from keras_crosspool import build_model, load_model
from keras_crosspool.models.directory import (
    add_files,
    check_replaceable,
    save_model,
    unsplit_part,
)
from keras_crosspool.models.metadata import ModelMetadata
from keras_crosspool.models.training_scores import SolvedScores, TrainingScores, TuningScores
from keras_crosspool.partials import partial_path
from tests.small_models import flat_classifier


def _metadata(name="tiny", classes=("pear", "Päron", "milk")):
    return ModelMetadata(
        name=name,
        class_names=classes,
        image_size=4,
        arguments={"head": "scheme1", "mirror": True, "image_size": None},
        data={"path": "data", "train_split": "train", "val_split": None, "fingerprint": "0" * 64},
        versions={"keras": keras.__version__},
        scores=TrainingScores(
            {"accuracy": 0.5},
            solved=SolvedScores(0.01, {"accuracy": 0.75}, {"accuracy": 0.5}, (1.0, 0.5)),
            schemes={"both": SolvedScores(0.1, {})},
            tuning=TuningScores({"solved": 0.5}, "solved", bound="input"),
            seconds={"closed_form": 1.0},
        ),
    )


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    inputs = keras.Input((4, 4, 3))
    return flat_classifier(inputs, inputs, ("pear", "Päron", "milk"))


@pytest.fixture
def directory(tmp_path, model):
    save_model(tmp_path / "model", model, _metadata())
    return tmp_path / "model"


def _contents(directory):
    return {p.relative_to(directory): p.read_bytes() for p in directory.rglob("*") if p.is_file()}


@pytest.mark.parametrize("head", ["scheme1", "global_average"])
def test_logits_and_metadata_come_back(tmp_path, backbone, head):
    arguments = {"feature_channels": 6, "guidance_channels": 24} if head == "scheme1" else {}
    model = build_model(backbone, 3, head, **arguments)
    written = dataclasses.replace(_metadata(head), image_size=128)
    save_model(tmp_path / "new" / "model", model, written)
    restored, metadata = load_model(tmp_path / "new" / "model")
    assert metadata == written
    assert restored.class_names == written.class_names
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (3, 128, 128, 3)).astype("float32")
    np.testing.assert_array_equal(restored(images), model(images))


def test_default_splits_are_those_of_the_training():
    trained = {"path": "tfds:x", "train_split": "train[:80%]", "val_split": "train[80%:]"}
    metadata = dataclasses.replace(_metadata(), data=trained)
    assert metadata.default_split("train") == "train[:80%]"
    assert metadata.default_split("val") == "train[80%:]"
    assert metadata.default_split("val", "train") == "train[80%:]"
    assert _metadata().default_split("val", "train") == "train"
    with pytest.raises(ValueError, match=r"no val split .* Received: a model trained on train"):
        _metadata().default_split("val")


def _images(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def test_a_model_is_measured_on_what_it_was_not_trained_on(tmp_path, model):
    names = "pear/1.jpg", "pear/2.jpg", "milk/1.jpg", "milk/2.jpg"
    own, moved = (_images(tmp_path / folder, *names) for folder in ("own", "moved"))
    metadata = _metadata()
    metadata = dataclasses.replace(metadata, data=metadata.data | {"val_split": "val"})
    directory = tmp_path / "model"
    save_model(directory, model, metadata, dict(zip(names, ["train", "val"] * 2, strict=True)))
    others = _images(tmp_path / "others", "pear/7.jpg", "milk/7.jpg")
    assert unsplit_part(directory, metadata, own) == "val"
    assert unsplit_part(directory, metadata, moved) == "val"
    assert unsplit_part(directory, metadata, others) == "all"
    assert unsplit_part(directory, metadata, others, splits="mine.csv") == "val"
    with_splits = _images(tmp_path / "split", "train/pear/1.jpg", "val/pear/2.jpg")
    assert unsplit_part(directory, metadata, with_splits) is None


def test_metadata_is_plain_json():
    metadata = _metadata()
    fields = json.loads(metadata.to_json())
    assert fields["class_names"] == ["pear", "Päron", "milk"]
    assert set(fields) == {field.name for field in dataclasses.fields(ModelMetadata)}
    assert ModelMetadata.from_json(metadata.to_json()) == metadata


def _write_plot(path):
    (path / "plots").mkdir()
    (path / "plots" / "confusion_matrix.png").write_bytes(b"old")


def test_an_older_model_is_replaced_and_the_users_files_stay(directory, model, tried):
    add_files(directory, _write_plot)
    mine = {"notes.txt": b"mine", "model.tflite": b"exported", "model.tflite.json": b"{}"}
    for name, content in mine.items():
        (directory / name).write_bytes(content)
    save_model(directory, model, _metadata("newer"))
    assert load_model(directory)[1].name == "newer"
    assert {name: (directory / name).read_bytes() for name in mine} == mine
    ours = {"model.json", "model.keras", "keras_crosspool.manifest.json"}
    assert {p.name for p in directory.iterdir()} == ours | set(mine)
    assert [p.name for p in directory.parent.iterdir()] == ["model"]
    tried("files", "notes.txt and an exported model.tflite in a model directory", "they stay")


def test_files_are_added_to_the_model_that_is_there(directory):
    before = {name: directory.joinpath(name).read_bytes() for name in ("model.json", "model.keras")}
    add_files(directory, _write_plot)
    after = {path.as_posix(): content for path, content in _contents(directory).items()}
    assert after.pop("plots/confusion_matrix.png") == b"old"
    assert json.loads(after.pop("keras_crosspool.manifest.json"))["files"] == [
        "model.json", "model.keras", "plots/confusion_matrix.png",
    ]  # fmt: skip
    assert after == before


def test_files_that_fail_cost_nothing(directory):
    def fail(path):
        _write_plot(path)
        raise RuntimeError

    before = _contents(directory)
    with pytest.raises(RuntimeError):
        add_files(directory, fail)
    assert _contents(directory) == before


def test_a_directory_of_version_0_1(directory, model):
    """It has no manifest: its files are known by their names."""
    (directory / "keras_crosspool.manifest.json").unlink()
    (directory / "plots").mkdir()
    for name in ("README.md", "history.json", "plots/confused_pairs.png", "plots/mine.png"):
        (directory / name).write_text("old")
    save_model(directory, model, _metadata("newer"))
    assert load_model(directory)[1].name == "newer"
    found = {path.as_posix() for path in _contents(directory)}
    assert found == {"keras_crosspool.manifest.json", "model.json", "model.keras", "plots/mine.png"}


def test_scores_of_version_0_1(directory):
    """They lay side by side, and alpha was called the strength."""
    fields = json.loads((directory / "model.json").read_text())
    del fields["scores"]
    fields["metrics"] = {
        "strength": 0.01, "cross_validated_accuracy": 0.75, "cross_validated_log_loss": 0.25,
        "baseline_strength": 1.0, "baseline_cross_validated_accuracy": 0.5,
        "baseline_accuracy": 0.25, "accuracy": 0.625, "top5_accuracy": 1.0, "log_loss": 2.0,
        "branch_weights": [1, 2], "seconds": {"closed_form": 1.5},
    }  # fmt: skip
    (directory / "model.json").write_text(json.dumps(fields))
    assert load_model(directory)[1].scores == TrainingScores(
        {"accuracy": 0.625, "top5_accuracy": 1.0, "log_loss": 2.0},
        solved=SolvedScores(
            0.01,
            {"accuracy": 0.75, "log_loss": 0.25},
            {"accuracy": 0.625, "top5_accuracy": 1.0, "log_loss": 2.0},
        ),
        baseline=SolvedScores(1.0, {"accuracy": 0.5}, {"accuracy": 0.25}),
        seconds={"closed_form": 1.5},
    )


def test_what_a_run_that_was_killed_left_hinders_nobody(tmp_path, model):
    directory = tmp_path / "model"
    directory.mkdir()
    partial_path(directory / "anything").mkdir()
    save_model(directory, model, _metadata())
    assert load_model(directory)[1].name == "tiny"


def test_a_directory_that_cannot_be_replaced_is_refused_at_once(directory, model):
    (directory / "model.keras").chmod(0o444)
    before = _contents(directory)
    with pytest.raises(PermissionError, match=r"may not be written.*model\.keras$"):
        check_replaceable(directory)
    assert _contents(directory) == before


class Interrupted(BaseException):
    """Stands for Ctrl-C: not even an Exception."""


@pytest.fixture
def fail_to_write_metadata(monkeypatch):
    """Lets `save_model` fail once the model is written."""

    def make(error):
        def fail(metadata):
            raise error

        monkeypatch.setattr(ModelMetadata, "to_json", fail)

    return make


@pytest.mark.parametrize("error", [RuntimeError, Interrupted])
def test_an_error_midway_leaves_the_older_model(directory, model, error, fail_to_write_metadata):
    before = _contents(directory)
    fail_to_write_metadata(error)
    with pytest.raises(error):
        save_model(directory, model, _metadata("newer"))
    assert _contents(directory) == before
    assert [p.name for p in directory.parent.iterdir()] == ["model"]


def test_an_error_midway_leaves_nothing_where_nothing_was(tmp_path, model, fail_to_write_metadata):
    fail_to_write_metadata(RuntimeError)
    with pytest.raises(RuntimeError):
        save_model(tmp_path / "model", model, _metadata())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("files", [["photo.jpg"], ["model.json"], ["model.keras"]])
def test_what_is_no_model_directory_is_not_replaced(tmp_path, model, files):
    # A lone model.json is what TensorFlow.js writes, for one.
    for name in files:
        (tmp_path / name).write_text("precious")
    with pytest.raises(ValueError, match=r"is not replaced.*Received: "):
        save_model(tmp_path, model, _metadata())
    assert {p.name: p.read_text() for p in tmp_path.iterdir()} == dict.fromkeys(files, "precious")


def test_what_may_be_replaced(directory, tmp_path):
    check_replaceable(directory)
    check_replaceable(tmp_path / "nothing")
    (tmp_path / "empty").mkdir()
    check_replaceable(tmp_path / "empty")
    (tmp_path / "file").write_text("precious")
    with pytest.raises(ValueError, match="is not replaced"):
        check_replaceable(tmp_path / "file")


def test_the_current_folder_can_be_the_directory(tmp_path, model, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save_model(".", model, _metadata())
    assert load_model(tmp_path)[1].name == "tiny"


def test_a_link_to_a_directory_stays_a_link(directory, tmp_path, model):
    link = tmp_path / "latest"
    link.symlink_to(directory)
    save_model(link, model, _metadata("newer"))
    assert link.is_symlink()
    assert load_model(directory)[1].name == load_model(link)[1].name == "newer"


class TestDamage:
    @pytest.mark.parametrize("missing", ["model.keras", "model.json"])
    def test_missing_file(self, directory, missing):
        (directory / missing).unlink()
        with pytest.raises(ValueError, match=rf"no model directory: {missing} missing.*Received:"):
            load_model(directory)

    def test_no_directory(self, tmp_path):
        (tmp_path / "file").write_text("")
        for path in (tmp_path / "nothing", tmp_path / "file", tmp_path):
            with pytest.raises(ValueError, match=r"model\.keras and model\.json missing"):
                load_model(path)

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "{",
            '{"name": "tiny"}',
            "null",
            "[1, 2]",
            "3",
            '"text"',
            '{"class_names": 3}',
            _metadata().to_json()[:-40],
            _metadata().to_json().replace('"image_size": 4,', ""),
            _metadata().to_json().replace('"name"', '"nome"'),
        ],
    )
    def test_damaged_metadata(self, directory, text):
        (directory / "model.json").write_text(text)
        with pytest.raises(
            ValueError, match=r"^model\.json is damaged: .*Received: .*model/model\.json$"
        ):
            load_model(directory)

    def test_binary_metadata(self, directory):
        (directory / "model.json").write_bytes(b"\xff\xfe\x00")
        with pytest.raises(ValueError, match=r"model\.json is damaged"):
            load_model(directory)

    @pytest.mark.parametrize("damage", ["empty", "text", "half", "flipped"])
    def test_damaged_model(self, directory, damage):
        path = directory / "model.keras"
        encoded = path.read_bytes()
        middle = len(encoded) // 2
        path.write_bytes(
            {
                "empty": b"",
                "text": b"not a model",
                "half": encoded[:middle],
                "flipped": encoded[:middle]
                + bytes([encoded[middle] ^ 255])
                + encoded[middle + 1 :],
            }[damage]
        )
        with pytest.raises(ValueError, match=r"(?s)^model\.keras is damaged.*Received: .*model$"):
            load_model(directory)

    @pytest.mark.parametrize("part", ["config.json", "model.weights.h5"])
    def test_damaged_part_of_the_model(self, directory, part):
        path = directory / "model.keras"
        with zipfile.ZipFile(path) as archive:
            parts = {name: archive.read(name) for name in archive.namelist()}
        for damaged in (parts | {part: b"junk"}, {k: v for k, v in parts.items() if k != part}):
            with zipfile.ZipFile(path, "w") as archive:
                for name, data in damaged.items():
                    archive.writestr(name, data)
            with pytest.raises(ValueError, match=r"model\.keras is damaged"):
                load_model(directory)

    def test_files_of_different_models(self, directory):
        (directory / "model.json").write_text(_metadata(classes=("pear", "milk")).to_json())
        with pytest.raises(ValueError, match=r"names 2 classes .* 3 logits.*Received:"):
            load_model(directory)


def test_a_multi_label_model_keeps_its_thresholds():
    metadata = dataclasses.replace(
        _metadata(), task="multi_label", thresholds=(0.25, 0.123456789, 1e-9)
    )
    assert ModelMetadata.from_json(metadata.to_json()) == metadata
    with pytest.raises(ValueError, match=r"one of single_label, multi_label, not .ranking"):
        ModelMetadata.from_json(metadata.to_json().replace("multi_label", "ranking"))
