"""A whole run: what it writes, what it refuses before it works, and that it repeats itself."""

import dataclasses
import json
import pathlib
import shutil
import types

import keras
import numpy as np
import pytest
from PIL import Image
from scipy.special import log_softmax

from keras_crosspool import compress, load_model
from keras_crosspool.closed_form.choice import Choice
from keras_crosspool.config import TrainingConfig
from keras_crosspool.data import load_images, open_split
from keras_crosspool.evaluation import plots, predict_logits
from keras_crosspool.numerics.calibration import fit_temperature
from keras_crosspool.sessions import with_sessions
from keras_crosspool.training import train as session
from keras_crosspool.training import validation
from tests.small_options import SMALL_NETWORK

SMALL = SMALL_NETWORK | {
    "mirror": False,
    "guidance_epochs": 3,
    "batch_size": 6,
    "learning_rate": 1e-3,
}


@pytest.fixture
def train():
    """A function that trains a small model with the defaults but for some options."""

    def run(output, data, **options):
        own = {"data": str(data), "cache_dir": str(output.parent / "cache")}
        return session.train(output, TrainingConfig.of(**SMALL | own | options))

    return run


def _untimed(scores):
    tuning = dataclasses.replace(
        scores.tuning, images_per_second=None, input_images_per_second=None, bound=None
    )
    return dataclasses.replace(scores, tuning=tuning, seconds={})


def test_model_directory_is_complete(model_directory, tiny_folder):
    names = {str(p.relative_to(model_directory)) for p in model_directory.rglob("*") if p.is_file()}
    assert {"model.keras", "model.json", "README.md", "plots/confusion_matrix.png"} <= names
    for path in model_directory.glob("plots/*.png"):
        with Image.open(path) as image:
            image.verify()
    fields = json.loads((model_directory / "model.json").read_text())
    assert fields["class_names"] == ["Anjou", "Arla-Standard-Milk", "Orange"]
    assert fields["image_size"] == fields["arguments"]["image_size"] == 128
    assert fields["data"] == {
        "path": str(tiny_folder),
        "train_split": "train",
        "val_split": "test",
        "fingerprint": open_split(tiny_folder, "train").fingerprint,
        "sessions": len(set(with_sessions(open_split(tiny_folder, "train")).groups)),
        "grouped_by": "found by similarity",
        "used": {"train": 18, "test": 12},
        "left_out": {"train": {}, "test": {}},
    }
    assert {"keras", "numpy", "tensorflow-cpu", "keras-crosspool"} <= set(fields["versions"])
    assert not {"output", "tensorboard"} & set(fields["arguments"])
    card = (model_directory / "README.md").read_text()
    assert "18 images of `train` were used; left out: none." in card
    assert fields["data"]["fingerprint"] in card
    assert "(plots/confusion_matrix.png)" in card


def test_metrics_are_those_of_the_model(model_directory, tiny_folder):
    model, metadata = load_model(model_directory)
    split = open_split(tiny_folder, "test", metadata.class_names)
    logits, labels = predict_logits(model, split, metadata.image_size)
    scores = metadata.scores
    validation = scores.validation
    assert validation["accuracy"] == pytest.approx((logits.argmax(axis=1) == labels).mean())
    assert validation["accuracy"] >= 0.8
    assert validation["coarse_accuracy"] >= validation["accuracy"]
    assert "top5_accuracy" not in validation  # of three classes
    assert scores.solved.alpha > 0
    assert scores.solved.validation == validation
    assert scores.cross_validated["accuracy"] > 0.5
    assert 0 <= scores.baseline.validation["accuracy"] <= 1
    assert set(scores.seconds) == {"closed_form", "validation"}


def test_the_baseline_is_validated_as_it_would_be_alone(
    model_directory, train, tiny_folder, tmp_path
):
    scores = load_model(model_directory)[1].scores.baseline
    arguments = {"scheme": "global_average", "mirror": True, "image_size": 128, "batch_size": 32}
    alone = train(tmp_path / "model", tiny_folder, val_split="test", **arguments).scores
    assert alone.baseline is None
    assert alone.validation == pytest.approx(scores.validation, abs=1e-5)
    assert alone.cross_validated == pytest.approx(scores.cross_validated, rel=1e-4)


@pytest.mark.heavy
def test_a_run_repeats_itself_and_tunes(train, tiny_folder, tmp_path):
    # A network of few layers: it is the tracing that takes time.
    arguments = {"backbone": "VGG16", "weights": "none", "image_size": 64}
    arguments |= {"window_size": 1, "val_split": "test", "frozen_epochs": 2}
    for name in ("first", "second"):
        metadata = train(tmp_path / name, tiny_folder, **arguments)
    first, second = (load_model(tmp_path / name) for name in ("first", "second"))
    assert _untimed(first[1].scores) == _untimed(second[1].scores)
    for a, b in zip(first[0].weights, second[0].weights, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy(), err_msg=a.path)
    tuning = metadata.scores.tuning
    assert list(tuning.stages) == ["solved", "tuned"]
    assert metadata.scores.validation["accuracy"] == max(tuning.stages.values())
    assert tuning.stages[tuning.kept_stage] == max(tuning.stages.values())
    assert "fine_tuning" in metadata.scores.seconds
    history = json.loads((tmp_path / "first" / "history.json").read_text())
    assert len(history["val_loss"]) == 2
    assert (tmp_path / "first" / "plots" / "training_curve.png").is_file()
    assert all(layer.trainable for layer in first[0].layers)


@pytest.mark.parametrize(
    ("options", "passes"),
    [
        ({"scheme": "scheme1", "baseline": True}, ["predict_logits_of_each"] * 2),
        pytest.param({"solver": "none"}, ["predict_logits"], marks=pytest.mark.heavy),
    ],
)
def test_each_stage_goes_through_the_validation_images_once(
    train, tiny_folder, tmp_path, monkeypatch, options, passes
):
    """Its score, the interval of the gain and the calibration are from the same predictions."""
    found = []

    def counted(name, function):
        return lambda *arguments: found.append(name) or function(*arguments)

    for name in ("predict_logits", "predict_logits_of_each"):
        monkeypatch.setattr(validation, name, counted(name, getattr(validation, name)))
    for name in ("tune_network", "fine_tune"):
        monkeypatch.setattr(session, name, lambda *_: ({}, {}))
    arguments = {"image_size": 64, "val_split": "test", "epochs": 1, **options}
    metadata = train(tmp_path / "model", tiny_folder, **arguments)
    assert found == passes
    model, _ = load_model(tmp_path / "model")
    logits, labels = predict_logits(model, open_split(tiny_folder, "test"), 64)
    accuracy = float((logits.argmax(axis=1) == labels).mean())
    tuning = metadata.scores.tuning
    assert accuracy == metadata.scores.validation["accuracy"] == max(tuning.stages.values())


@pytest.mark.heavy
def test_a_report_that_fails_does_not_cost_the_model(train, tiny_folder, tmp_path, monkeypatch):
    def fail(*_):
        assert load_model(tmp_path / "model")[1].scores.validation["accuracy"] >= 0
        raise MemoryError("no room for a plot")

    data = tmp_path / "data"
    for split in ("train", "test"):
        folders = sorted(path for path in (tiny_folder / split).iterdir())
        for folder, name in zip(folders, ("$\\frac{$", "[red]\x1b[31m", ":pear: _{"), strict=True):
            shutil.copytree(folder, data / split / name)
    monkeypatch.setattr(plots, "plot_confusion", fail)
    train(tmp_path / "model", data, scheme="global_average", val_split="test")
    assert load_model(tmp_path / "model")[1].class_names == (
        "$\\frac{$",
        ":pear: _{",
        "[red]\x1b[31m",
    )
    assert not (tmp_path / "model" / "plots" / "confusion_matrix.png").exists()
    assert "accuracy" in (tmp_path / "model" / "README.md").read_text()


def test_a_run_without_validation(train, tiny_folder, tmp_path, caplog):
    metadata = train(tmp_path / "model", tiny_folder, scheme="global_average", patience=2)
    assert "`patience` changes nothing without a validation split" in caplog.messages
    assert metadata.scores.validation == {}
    assert metadata.scores.cross_validated["accuracy"] > 0.5
    assert not (tmp_path / "model" / "plots").exists()
    assert "Validation split: `none`" in (tmp_path / "model" / "README.md").read_text()


def _never(*_, **__):
    raise AssertionError("the images were read")


def test_an_output_that_is_no_model_directory_is_refused_first(
    train, tiny_folder, tmp_path, monkeypatch
):
    monkeypatch.setattr(session, "open_checked_parts", _never)
    (tmp_path / "photo.jpg").write_text("precious")
    with pytest.raises(ValueError, match="is not replaced"):
        train(tmp_path, tiny_folder)
    with pytest.raises(ValueError, match=r"Nothing would train.*`solver=none` `epochs=0`"):
        train(tmp_path / "model", tiny_folder, solver="none")


def test_bad_data_is_refused(train, tiny_folder, tmp_path, copy_images):
    copy_images(tmp_path / "one", {"train": 2}, ["Anjou"])
    with pytest.raises(ValueError, match=r"two classes or more.*with Anjou$"):
        train(tmp_path / "model", tmp_path / "one")
    copy_images(tmp_path / "other", {"train": 1}, ["Anjou", "Orange"])
    copy_images(tmp_path / "other", {"test": 1}, ["Anjou", "Nectarine"])
    with pytest.raises(ValueError, match=r"not trained on.*Received: Nectarine"):
        train(tmp_path / "model", tmp_path / "other", val_split="test")
    # 18 images of 3 x 3 cells have 72 windows of 2 x 2.
    with pytest.raises(ValueError, match=r"PCA to 100 components.*Received: 72 rows"):
        train(tmp_path / "model", tiny_folder, feature_channels=100)
    assert not (tmp_path / "model").exists()


@pytest.fixture(scope="module")
def several_labels(tiny_folder, tmp_path_factory):
    """The tiny images in one folder, with their class and what kind of thing it is as labels."""
    folder = tmp_path_factory.mktemp("several") / "train"
    folder.mkdir()
    rows = ["file,labels"]
    for path in sorted((tiny_folder / "train").rglob("*.jpg")):
        kind = "dairy" if "Milk" in path.name else "fruit"
        rows.append(f"{path.name},{path.parent.name};{kind}")
        (folder / path.name).write_bytes(path.read_bytes())
    (folder / "labels.csv").write_text("\n".join(rows))
    return folder.parent


def test_several_labels_without_validation(train, several_labels, tmp_path):
    arguments = {"backbone": "VGG16", "weights": "none", "image_size": 64, "window_size": 1}
    metadata = train(tmp_path / "model", several_labels, frozen_epochs=1, **arguments)
    assert (metadata.task, len(metadata.class_names)) == ("multi_label", 5)
    # Cross-validation chose them: there are no other images.
    assert len(metadata.thresholds) == 5
    assert load_model(tmp_path / "model")[1] == metadata
    history = json.loads((tmp_path / "model" / "history.json").read_text())
    assert set(history) == {"loss", "auc_pr"}
    assert 0 < history["auc_pr"][0] <= 1


def test_labels_of_another_task_are_refused(train, several_labels, tiny_folder, tmp_path):
    folder = tmp_path / "mixed"
    folder.mkdir()
    (folder / "train").symlink_to(several_labels / "train")
    (folder / "test").symlink_to(tiny_folder / "test")
    with pytest.raises(ValueError, match=r"another task .*multi_label\. Received: .*single_label$"):
        train(tmp_path / "model", folder, val_split="test")


@pytest.mark.heavy
def test_the_best_pair_of_feature_maps_is_taken(train, tiny_folder, tmp_path):
    found = train(tmp_path / "model", tiny_folder, val_split="test", pair="search")
    model, metadata = load_model(tmp_path / "model")
    pairs, branch = metadata.scores.pairs, model.branches[0]
    assert pairs == found.scores.pairs
    assert {pair.stride for pair in pairs} == {16, 32}
    assert branch.features is model.get_layer(pairs[0].features_layer).output
    assert branch.source is model.get_layer(pairs[0].guidance_layer).output


@pytest.mark.heavy
def test_a_compressed_model_is_solved_on_4096_values(train, tiny_folder, tmp_path):
    """As by the Python call, on the images of the run."""
    channels = {"feature_channels": 40, "guidance_channels": 130}
    scores = train(tmp_path / "whole", tiny_folder, val_split="test", **channels).scores
    found = train(tmp_path / "short", tiny_folder, val_split="test", compress=True, **channels)
    accuracy = scores.validation["accuracy"]
    assert found.scores.uncompressed["accuracy"] == pytest.approx(accuracy, rel=1e-3)
    assert found.scores.solved == scores.solved
    assert found.rejection is not None
    whole, short = (load_model(tmp_path / name)[0] for name in ("whole", "short"))
    assert (whole.descriptor.shape[1], short.descriptor.shape[1]) == (5200, 4096)
    # The whole one is calibrated on the validation split too, so that both compare.
    images, labels = load_images(open_split(tiny_folder, "test"), whole.image_size)
    logits = whole.predict(images.astype("float32"), verbose=0)
    temperature, _ = fit_temperature(logits, labels)
    expected = -log_softmax(logits / temperature, axis=1)[np.arange(len(labels)), labels].mean()
    assert found.scores.uncompressed["log_loss"] == pytest.approx(expected, rel=1e-3)
    images, labels = load_images(open_split(tiny_folder, "train"), whole.image_size)
    choice = Choice((1.0,), scores.solved.alpha, scores.solved.calibration)
    report = types.SimpleNamespace(choice=choice)
    options = {"mirror": False, "crop_scales": (1.0,), "batch_size": 6, "report": report}
    expected = compress(whole, images, labels, **options)
    pixels = images.astype("float32")
    logits = [model.predict(pixels, verbose=0) for model in (short, expected)]
    # What all classes share is measured by sessions, which arrays have none of, and the run was
    # calibrated on its validation split.
    own, other = (each - each.mean(axis=1, keepdims=True) for each in logits)
    own *= other.std() / own.std()
    np.testing.assert_allclose(own, other, atol=1e-2)


@pytest.mark.heavy
def test_a_compressed_model_without_validation_has_its_own_alpha(train, tiny_folder, tmp_path):
    channels = {"feature_channels": 40, "guidance_channels": 130}
    scores = train(tmp_path / "model", tiny_folder, compress=True, **channels).scores
    assert scores.validation == scores.uncompressed == {}
    assert scores.compressed_alpha > 0
    assert load_model(tmp_path / "model")[1].scores == scores


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"scheme": "both"}, "Received: `scheme=both` `solver=ridge`"),
        ({"solver": "none", "epochs": 1}, "Received: `scheme=scheme1` `solver=none`"),
        ({"keep_descriptors": True}, "leave one of them out"),
        ({"feature_channels": 16, "guidance_channels": 200}, "Received: `feature_channels=16`"),
    ],
)
def test_what_cannot_be_compressed(train, tiny_folder, tmp_path, options, words):
    large = {"feature_channels": 32, "guidance_channels": 128} | options
    with pytest.raises(ValueError, match=words):
        train(tmp_path / "model", tiny_folder, compress=True, **large)


@pytest.mark.heavy
def test_cross_validation_chooses_the_scheme(train, tiny_folder, tmp_path):
    """Each candidate stands in the metrics as if it had been asked for; the best one is saved."""
    alone = {"groups": "none"}  # so few photographs have hardly any sessions to hold out
    chosen = train(tmp_path / "auto", tiny_folder, scheme="auto", val_split="test", **alone)
    scores, schemes = chosen.scores, chosen.scores.schemes
    assert list(schemes) == ["scheme1", "scheme2", "both"]
    losses = {name: each.cross_validated["log_loss"] for name, each in schemes.items()}
    scheme = scores.chosen_scheme
    assert losses[scheme] == min(losses.values()) == scores.cross_validated["log_loss"]
    assert (chosen.name, chosen.arguments["scheme"]) == (f"EfficientNetLite0-{scheme}", scheme)
    assert len(schemes["both"].branch_weights) == 2
    assert schemes[scheme].validation["accuracy"] == scores.validation["accuracy"] >= 0.8
    first = train(tmp_path / "first", tiny_folder, scheme="scheme1", **alone)
    assert first.scores.cross_validated["log_loss"] == pytest.approx(losses["scheme1"], rel=1e-3)
    with pytest.raises(ValueError, match=r"take a solver.*`solver=none` `scheme=auto`"):
        train(tmp_path / "model", tiny_folder, scheme="auto", solver="none", epochs=1)


@pytest.mark.heavy
def test_scheme2_is_tuned_through_its_grid(train, tiny_folder, tmp_path):
    arguments = {"backbone": "VGG16", "weights": "none", "image_size": 64, "region_mode": "crops"}
    arguments |= {"scheme": "scheme2", "region_size": (32,), "guidance_epochs": 1, "epochs": 1}
    tuned = train(tmp_path / "tuned", tiny_folder, baseline=True, **arguments)
    assert "accuracy" in tuned.scores.baseline.cross_validated
    solved = train(tmp_path / "solved", tiny_folder, **arguments | {"epochs": 0})
    assert "history.json" not in {path.name for path in (tmp_path / "solved").iterdir()}
    models = [load_model(tmp_path / name)[0] for name in ("solved", "tuned")]
    kernels = [
        model.get_layer("region_grid").network.get_layer("block1_conv2").kernel for model in models
    ]
    assert np.abs(kernels[0].numpy() - kernels[1].numpy()).max() > 1e-4
    assert solved.scores.cross_validated["log_loss"] > 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            {"epochs": 1, "gradient_accumulation": 2},
            r"^Gradient accumulation \(`gradient_accumulation`\) runs under.*backend jax$",
        ),
        ({"strategy": "mirrored"}, r"^Training on several devices .*backend jax$"),
        ({"devices": 2}, r"^Training on several devices .*backend jax$"),
        (
            {"workers": ["a:1", "b:1"], "task_index": 0},
            r"^Training on several devices .*backend jax$",
        ),
    ],
)
def test_what_needs_tensorflow_is_refused_at_the_start(
    train, tmp_path, monkeypatch, arguments, words, tried
):
    """Not by a traceback at the end; the data, which is not there, is not even looked for."""
    monkeypatch.setattr(keras.config, "backend", lambda: "jax")
    with pytest.raises(ValueError, match=words) as error:
        train(tmp_path / "model", tmp_path / "nowhere", **arguments)
    assert list(tmp_path.iterdir()) == []
    if "epochs" in arguments:
        tried("environment", "train --gradient_accumulation under JAX", error.value)


def test_an_output_that_cannot_be_written_is_refused_at_the_start(train, tmp_path):
    with pytest.raises(OSError, match=r"/proc/model"):
        train(pathlib.Path("/proc/model"), tmp_path / "nowhere")
    (tmp_path / "file").write_text("mine")
    with pytest.raises(OSError, match=r"/file'$"):
        train(tmp_path / "file" / "model", tmp_path / "nowhere")


def test_checkpoints_are_beside_the_output_whatever_it_is_called(tmp_path, monkeypatch):
    (tmp_path / "model").mkdir()
    monkeypatch.chdir(tmp_path / "model")
    for name in (".", "../model", "../model/", tmp_path / "model"):
        assert session.checkpoints_directory(name) == tmp_path / "model.checkpoints"
