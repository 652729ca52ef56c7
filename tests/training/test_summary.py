"""What a person sees at the end of training, from metadata made by hand."""

import dataclasses
import re
import shlex

from keras_crosspool.models.metadata import ModelMetadata
from keras_crosspool.models.training_scores import SolvedScores, TrainingScores, TuningScores
from keras_crosspool.training.summary import summary

SOLVED = SolvedScores(0.001, {"accuracy": 0.965, "log_loss": 0.116}, {"accuracy": 0.8229166})
BASELINE = SolvedScores(0.1, {"accuracy": 0.971}, {"accuracy": 0.78125})
SCORES = TrainingScores(
    validation={"accuracy": 0.8229166, "top5_accuracy": 0.984375},
    solved=SOLVED,
    baseline=BASELINE,
    seconds={"closed_form": 21.19, "validation": 4.34},
)


def _metadata(data=(), scores=SCORES, **kwargs):
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
        scores=scores,
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


def _summary(data=(), **changes):
    return summary(_metadata(data, dataclasses.replace(SCORES, **changes)), "model")


def test_without_a_validation_split_nothing_is_claimed():
    baseline = dataclasses.replace(BASELINE, validation={})
    seconds = {"closed_form": 21.19}
    text = _summary({"val_split": None}, validation={}, baseline=baseline, seconds=seconds)
    rows = _rows(text)
    assert rows["accuracy"] == "not measured; --val_split names the split to measure it on"
    assert rows["baseline"] == (
        "97.1 % by global average pooling, cross-validated; the model -0.6 points"
    )
    assert rows["seconds"] == "closed form 21.2"
    assert rows["next"] == "crosspool export --model=model --output=artefacts"


def test_a_worse_model_is_said_to_be_worse():
    rows = _rows(_summary(validation={"accuracy": 0.7}))
    assert rows["baseline"].endswith("the model -8.1 points")


def test_the_interval_is_that_of_the_model_that_was_written():
    solved = dataclasses.replace(SOLVED, advantage=(-0.005, 0.0883))
    rows = _rows(_summary(solved=solved))
    assert rows["baseline"].endswith("; the model +4.2 points (-0.5 to +8.8)")
    kept = TuningScores({"solved": 0.8229166, "tuned": 0.8}, "solved")
    assert _rows(_summary(solved=solved, tuning=kept))["baseline"].endswith("(-0.5 to +8.8)")
    tuned = dataclasses.replace(kept, kept_stage="tuned")
    for changes in ({"tuning": tuned}, {"uncompressed": {"accuracy": 0.83}}):
        assert _rows(_summary(solved=solved, **changes))["baseline"].endswith("+4.2 points")


def test_what_a_shorter_descriptor_costs():
    short = {"uncompressed": {"accuracy": 0.83}, "compressed_alpha": 0.03}
    rows = _rows(_summary(validation={"accuracy": 0.81}, **short))
    assert rows["alpha"] == (
        "0.03, the ridge or SVM penalty that was chosen for the shorter descriptor; 0.001 for the "
        "whole descriptor"
    )
    assert rows["compressed"] == "83.0 % with the whole descriptor; the shorter one -2.0 points"
    assert "compressed" not in _rows(_summary())
    older = _rows(_summary(uncompressed={"accuracy": 0.83}))
    assert older["alpha"].endswith("that was chosen for the whole descriptor")


def test_scores_of_before_a_change_say_so():
    stages = {"solved": 0.80, "tuned": 0.79}
    tuned, kept = TuningScores(stages, "tuned"), TuningScores(stages, "solved")
    for changes, before in [
        ({}, ""),
        ({"compressed_alpha": 0.03}, ", before compression"),
        ({"tuning": TuningScores()}, ", before fine-tuning"),
        ({"tuning": kept}, ""),
        ({"tuning": tuned, "compressed_alpha": 0.03}, ", before fine-tuning and compression"),
    ]:
        rows = _rows(_summary(**changes))
        assert rows["cross-validated"] == f"96.5 % on the training photographs{before}"
        assert ("not fine-tuned" in rows["baseline"]) == ("fine-tuning" in before)
        scores = dict(dataclasses.replace(SCORES, **changes).rows())
        assert scores[f"accuracy, cross-validated{before}"] == 0.965


def test_a_compressed_model_that_was_not_validated_compares_what_was_cross_validated():
    baseline = dataclasses.replace(BASELINE, validation={})
    short = {"validation": {}, "compressed_alpha": 0.03}
    rows = _rows(_summary({"val_split": None}, baseline=baseline, **short))
    assert rows["baseline"] == (
        "97.1 % by global average pooling, cross-validated, before compression; the model -0.6 "
        "points"
    )


def test_the_stages_of_fine_tuning():
    stages = {"solved": 0.80, "tuned": 0.8229166}
    seconds = {"closed_form": 20.0, "fine_tuning": 1800.0, "validation": 4.0}
    tuning = TuningScores(stages, "tuned", baseline=0.81, advantage=(-0.011, 0.0369))
    text = _summary(tuning=tuning, seconds=seconds)
    rows = _rows(text)
    assert rows["stages"] == (
        "solved 80.0 %, tuned 82.3 %, global average pooling on the tuned network 81.0 %, "
        "the tuned model +1.3 points (-1.1 to +3.7); kept: tuned"
    )
    assert rows["cross-validated"].endswith("before fine-tuning")
    assert rows["baseline"].startswith("78.1 % by global average pooling, not fine-tuned; ")
    assert max(map(len, text.splitlines())) <= 80


def test_a_classifier_that_was_not_solved():
    rows = _rows(
        _summary(
            solved=None,
            baseline=None,
            tuning=TuningScores(),
            seconds={"fine_tuning": 60.0, "validation": 1.0},
        )
    )
    assert rows.keys() == {"model", "training", "accuracy", "seconds", "directory", "next"}


def test_a_chosen_scheme():
    solved = dataclasses.replace(SOLVED, alpha=30.0)
    rows = _rows(_summary(chosen_scheme="both", solved=solved))
    assert rows["scheme"] == "both, chosen by cross-validation"
    assert rows["alpha"].startswith("30, ")


def test_several_labels():
    metric = "mean_average_precision"
    scores = TrainingScores(
        {metric: 0.875}, SolvedScores(1.0, {metric: 0.9}), SolvedScores(1.0, {}, {metric: 0.75})
    )
    metadata = _metadata(scores=scores, task="multi_label", thresholds=(0.5,) * 3)
    rows = _rows(summary(metadata, "model"))
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
