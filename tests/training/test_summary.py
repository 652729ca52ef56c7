"""What a person sees at the end of training, from metadata made by hand."""

import re
import shlex

from keras_crosspool.models.metadata import ModelMetadata
from keras_crosspool.training.summary import summary

METRICS = {
    "alpha": 0.001,
    "cross_validated_accuracy": 0.965,
    "cross_validated_log_loss": 0.116,
    "baseline_alpha": 0.1,
    "baseline_cross_validated_accuracy": 0.971,
    "baseline_accuracy": 0.78125,
    "accuracy": 0.8229166,
    "top5_accuracy": 0.984375,
    "seconds": {"closed_form": 21.19, "validation": 4.34},
}


def _metadata(metrics=METRICS, data=(), **kwargs):
    data = {
        "path": "photos",
        "train_split": "train",
        "val_split": "test",
        "fingerprint": "",
        "used": {"train": 320, "test": 192},
        "left_out": {"train": {"broken": 2, "empty": 1}, "test": {}},
    } | dict(data)
    return ModelMetadata(
        name="EfficientNetLite0-scheme1",
        class_names=("a", "b", "c"),
        image_size=224,
        arguments={},
        data=data,
        versions={},
        metrics=metrics,
        **kwargs,
    )


def test_one_solved_run():
    assert summary(_metadata(), "model") == (
        "model            EfficientNetLite0-scheme1, 3 classes, 224 x 224 px\n"
        "training         320 photographs of split train, 3 left out\n"
        "accuracy         82.3 % on 192 photographs of split test\n"
        "baseline         78.1 % by global average pooling; the model +4.2 points\n"
        "cross-validated  96.5 % on the training photographs\n"
        "alpha            0.001, the ridge or SVM penalty that was chosen\n"
        "seconds          closed form 21.2, validation 4.3; together 25.5\n"
        "directory        model\n"
        "next             crosspool evaluate --model=model --split=test"
    )


def test_without_a_validation_split_nothing_is_claimed():
    metrics = {name: x for name, x in METRICS.items() if name not in ("accuracy", "top5_accuracy")}
    del metrics["baseline_accuracy"]
    metrics["seconds"] = {"closed_form": 21.19}
    text = summary(_metadata(metrics, {"val_split": None}), "model")
    rows = _rows(text)
    assert rows["accuracy"] == "not measured; --val_split names the split to measure it on"
    assert rows["baseline"] == (
        "97.1 % by global average pooling, cross-validated; the model -0.6 points"
    )
    assert rows["seconds"] == "closed form 21.2"
    assert rows["next"] == "crosspool evaluate --model=model --split=SPLIT"


def test_a_worse_model_is_said_to_be_worse():
    rows = _rows(summary(_metadata(METRICS | {"accuracy": 0.7}), "model"))
    assert rows["baseline"].endswith("the model -8.1 points")


def test_the_stages_of_fine_tuning():
    tuned = {
        "solved_accuracy": 0.80,
        "fine_tuned_accuracy": 0.81,
        "solved_again_accuracy": 0.8229166,
        "kept_stage": "solved_again",
        "seconds": {"closed_form": 20.0, "fine_tuning": 1800.0, "validation": 4.0},
    }
    text = summary(_metadata(METRICS | tuned), "model")
    rows = _rows(text)
    assert rows["stages"] == (
        "solved 80.0 %, fine tuned 81.0 %, solved again 82.3 %; kept: solved again"
    )
    assert rows["cross-validated"].endswith("before fine-tuning")
    assert rows["baseline"].startswith("78.1 % by global average pooling, not fine-tuned; ")
    assert max(map(len, text.splitlines())) <= 80


def test_a_classifier_that_was_not_solved():
    metrics = {"accuracy": 0.5, "seconds": {"fine_tuning": 60.0, "validation": 1.0}}
    rows = _rows(summary(_metadata(metrics), "model"))
    assert rows.keys() == {"model", "training", "accuracy", "seconds", "directory", "next"}


def test_a_chosen_scheme_and_the_key_of_the_next_version():
    metrics = {name: x for name, x in METRICS.items() if name != "alpha"}
    rows = _rows(summary(_metadata(metrics | {"chosen_scheme": "both", "alpha": 30.0}), "model"))
    assert rows["scheme"] == "both, chosen by cross-validation"
    assert rows["alpha"].startswith("30, ")


def test_several_labels():
    metrics = {
        "mean_average_precision": 0.875,
        "baseline_mean_average_precision": 0.75,
        "cross_validated_mean_average_precision": 0.9,
    }
    rows = _rows(summary(_metadata(metrics, task="multi_label", thresholds=(0.5,) * 3), "model"))
    assert rows["mean average precision"].startswith("87.5 % on 192 photographs")
    assert rows["baseline"].endswith("+12.5 points")


def test_records_of_older_versions_lack_the_counts():
    data = {"used": {}, "left_out": {}}
    rows = _rows(summary(_metadata(data=data), "model"))
    assert rows["training"] == "split train"
    assert rows["accuracy"] == "82.3 % on split test"


def test_long_and_odd_paths_can_be_copied():
    output = "/data/" + "experiments " * 8 + "\x1b[31m/model"
    text = summary(_metadata(data={"val_split": "train[80%:]"}), output)
    assert "\x1b" not in text
    command = text[text.index("crosspool ") :]
    words = shlex.split(command.replace("\\\n", ""))
    shown = output.replace("\x1b", r"\x1b")
    assert words == ["crosspool", "evaluate", f"--model={shown}", "--split=train[80%:]"]


def _rows(text):
    """The rows by label, each on one line; two spaces part the columns."""
    whole = re.sub(r"\n +", " ", text)
    lines = (line.partition("  ") for line in whole.splitlines())
    return {label: value.strip() for label, _, value in lines}
