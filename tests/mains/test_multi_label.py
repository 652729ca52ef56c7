"""Images with several labels through every main: montages, train, evaluate, predict, export."""

import json
import re

import numpy as np
import pytest
from PIL import Image
from scipy.special import expit
from sklearn import metrics

from keras_crosspool import load_model
from keras_crosspool.data import load_images, open_split
from keras_crosspool.evaluation import predict_logits

pytestmark = pytest.mark.heavy

TRAIN, TEST = 30, 16


@pytest.fixture(scope="module")
def montages(run_main, fork_main, tiny_folder, tmp_path_factory):
    """Runs of the montages main, by name, and the folder of what they wrote."""
    folder = tmp_path_factory.mktemp("montages")
    flags = (f"--train={TRAIN}", f"--test={TEST}", "--fewest=1", "--most=3", "--image_size=128")
    command = ("tools.montages", f"--data={tiny_folder}", "--test_split=test", *flags)
    runs = {
        "good": run_main(*command, f"--output={folder}/good"),
        "bad": fork_main(*command, "--most=4", f"--output={folder}/bad"),
    }
    return runs, folder


@pytest.fixture(scope="module")
def model_runs(fork_main, fork_mains, montages, tmp_path_factory):
    """The runs of the other mains on the montages, and the folder of what they wrote."""
    folder, data = tmp_path_factory.mktemp("multi_label"), montages[1] / "good"
    train = fork_main(
        "keras_crosspool.train",
        f"--data={data}",
        "--val_split=test",
        "--image_size=128",
        "--crop_scales=1",
        "--nomirror",
        "--feature_channels=16",
        "--guidance_channels=32",
        f"--output={folder}/model",
    )
    assert train.returncode == 0, train.stderr
    model = f"--model={folder}/model"
    image = data / "test" / "00003.jpg"
    cases = {
        "evaluate": ("keras_crosspool.evaluate", model, f"--json={folder}/scores.json"),
        "predict": ("keras_crosspool.predict", model, f"--json={folder}/p.json", image),
        "export": (
            "export.tflite",
            model,
            f"--output={folder}/model.tflite",
            "--parity_images=16",
        ),
    }
    return {"train": train} | fork_mains(cases), folder, data


@pytest.fixture(scope="module")
def logits_and_labels(model_runs):
    _, folder, data = model_runs
    model, metadata = load_model(folder / "model")
    split = open_split(data, "test", metadata.class_names)
    return *predict_logits(model, split, metadata.image_size), metadata


def test_montages_show_what_their_labels_say(montages, tiny_folder):
    runs, folder = montages
    assert runs["good"].returncode == 0, runs["good"].stderr
    for name, count in (("train", TRAIN), ("test", TEST)):
        split = open_split(folder / "good", name)
        assert split.size == count
        images, labels = load_images(split, 128)
        numbers = labels.sum(axis=1)
        assert set(numbers) == {1, 2, 3}
        counts = labels.sum(axis=0)
        assert counts.max() - counts.min() <= 1
        for image, number in zip(images, numbers, strict=True):
            cells = image.reshape(2, 64, 2, 64, 3).swapaxes(1, 2).reshape(4, -1, 3)
            # A cell without a product is of one colour, but for what JPEG makes of it.
            assert sum(cell.std(axis=0).max() > 10 for cell in cells) == number
    groups = np.array(open_split(folder / "good", "train").groups)
    assert sorted(np.bincount(groups)) == [TRAIN // 6] * 6  # six photographs a class
    with Image.open(folder / "good" / "train" / "00000.jpg") as image:
        assert image.size == (128, 128)


def test_montages_of_too_few_classes_are_refused(montages):
    runs, folder = montages
    assert runs["bad"].returncode == 2
    message = r"^error: .*the data has 3 classes.*Received: --most=4$"
    assert re.search(message, runs["bad"].stderr.splitlines()[-1])
    assert [path.name for path in folder.iterdir()] == ["good"]


def test_training_solves_and_chooses_thresholds(model_runs, logits_and_labels):
    runs, folder, _ = model_runs
    logits, labels, metadata = logits_and_labels
    assert metadata.task == "multi_label"
    found = metadata.scores.validation
    expected = metrics.average_precision_score(labels, logits)
    assert found["mean_average_precision"] == pytest.approx(expected, abs=1e-4)
    assert expected > labels.mean() + 0.25  # the mean average precision of chance is the share
    assert "mean_average_precision" in metadata.scores.baseline.validation
    assert "log_loss" in metadata.scores.cross_validated
    assert "mean average precision" in runs["train"].stdout
    thresholds = np.array(metadata.thresholds)
    f1 = [
        max(metrics.f1_score(truth, column >= cut) for cut in column)
        for truth, column in zip(labels.T, expit(logits).T, strict=True)
    ]
    assert found["mean_f1"] == pytest.approx(np.mean(f1), abs=1e-3)
    assert thresholds.shape == (3,)
    assert [p.name for p in (folder / "model" / "plots").iterdir()] == ["average_precision.png"]
    card = (folder / "model" / "README.md").read_text()
    assert "Finds 3 labels" in card
    assert "(plots/average_precision.png)" in card


def test_evaluate_scores_labels(model_runs, logits_and_labels):
    done = model_runs[0]["evaluate"]
    assert done.returncode == 0, done.stderr
    record = json.loads((model_runs[1] / "scores.json").read_text())
    logits, labels, metadata = logits_and_labels
    chosen = expit(logits) >= metadata.thresholds
    assert record["images"] == TEST
    for index, name in enumerate(metadata.class_names):
        expected = metrics.average_precision_score(labels[:, index], logits[:, index])
        assert record["classes"][name]["average_precision"] == pytest.approx(expected, abs=1e-4)
        assert record["classes"][name]["f1"] == pytest.approx(
            metrics.f1_score(labels[:, index], chosen[:, index])
        )
        assert name[:8] in done.stdout  # the table folds names
    assert f"mean average precision {record['mean_average_precision']:.4f}" in done.stdout


def test_predict_lists_the_labels_above_their_thresholds(model_runs, logits_and_labels):
    done = model_runs[0]["predict"]
    assert done.returncode == 0, done.stderr
    logits, _, metadata = logits_and_labels
    chances = dict(zip(metadata.class_names, expit(logits[3]), strict=True))
    limits = dict(zip(metadata.class_names, metadata.thresholds, strict=True))
    expected = {name for name in chances if chances[name] >= limits[name]}
    (record,) = json.loads((model_runs[1] / "p.json").read_text())
    assert set(record["labels"]) == expected
    assert len(record["classes"]) == 3
    for row in record["classes"]:
        assert row["probability"] == pytest.approx(chances[row["class"]], abs=1e-3)
    assert {name for name in chances if name in done.stdout} == expected


def test_export_is_proven_on_labels(model_runs, logits_and_labels):
    done = model_runs[0]["export"]
    assert done.returncode == 0, done.stderr
    record = json.loads((model_runs[1] / "model.tflite.json").read_text())
    logits, labels, metadata = logits_and_labels
    parity = record["parity"]
    assert (parity["status"], parity["metric"]) == ("passed", "mean_average_precision")
    assert parity["agreement"] == 1
    assert parity["reference_score"] == pytest.approx(
        metrics.average_precision_score(labels, logits), abs=1e-4
    )
    assert "mean average precision" in done.stdout
    assert record["model"]["task"] == "multi_label"
    assert record["model"]["thresholds"] == list(metadata.thresholds)
