"""Bad input to the mains: exit code 2, one clear line, nothing half-written."""

import re
import shutil

import pytest

TRAIN, EVALUATE, PREDICT = (f"keras_crosspool.{name}" for name in ("train", "evaluate", "predict"))


def _break_images(folder):
    first, second = sorted((folder / "train" / "Orange").iterdir())[:2]
    first.write_text("a text file with the name of an image")
    second.write_bytes(second.read_bytes()[:4000])
    return first, second


@pytest.fixture(scope="module")
def runs(fork_mains, tmp_path_factory, copy_images, tiny_folder, model_directory):
    """Every bad command, run: case -> (process, what its line must say), and the output folder."""
    folder = tmp_path_factory.mktemp("bad")
    output = folder / "output"
    output.mkdir()
    train = (TRAIN, f"--data={tiny_folder}", f"--output={output}/model", "--image_size=96")

    empty = copy_images(folder / "empty", {"train": 1})
    (empty / "train" / "Damson").mkdir()
    broken = copy_images(folder / "broken", {"train": 3})
    text, truncated = _break_images(broken)
    half = folder / "half"
    shutil.copytree(model_directory, half)
    encoded = (half / "model.keras").read_bytes()
    (half / "model.keras").write_bytes(encoded[: len(encoded) // 2])
    photo = sorted((tiny_folder / "test" / "Orange").iterdir())[0]
    predict = (PREDICT, f"--model={model_directory}", f"--json={output}/predictions.json")

    strangers = folder / "groups.csv"
    strangers.write_text("file,group\ntrain/Orange/nothing.jpg,a\n")

    cases = {
        "unknown flag": ((*train, "--epoch=1"), r"flag 'epoch'.*--help"),
        "missing folder": ((*train, "--data=nowhere"), r"no such folder.*Received: nowhere$"),
        "empty class": (
            (*train, f"--data={empty}"),
            r"no images.*Received: .*Damson, which holds",
        ),
        "broken images": (
            (*train, f"--data={broken}"),
            rf"2 of 9 images .*--skip_broken.*Received: broken: {text}, {truncated}$",
        ),
        "unknown backbone": ((*train, "--backbone=resnet51"), r"Did you mean ResNet.*'resnet51'$"),
        "image too small": ((*train, "--image_size=16"), r"at least 32 .*Received: image_size=16$"),
        "wrong model directory": (
            (EVALUATE, f"--model={tiny_folder}", f"--json={output}/scores.json"),
            r"no model directory: model\.keras and model\.json missing.*tiny$",
        ),
        "half a model directory": (
            (EVALUATE, f"--model={half}", f"--json={output}/scores.json"),
            r"model\.keras is damaged.*half$",
        ),
        "broken image": (
            (*predict, f"--explain={output}/a.png", photo, truncated),
            rf"cannot be decoded.*Received: {truncated}$",
        ),
        "output over an image": (
            (PREDICT, f"--model={model_directory}", f"--json={photo}", photo),
            rf"replace a file that is read.*Received: {photo}$",
        ),
        "output over the model": (
            (EVALUATE, f"--model={model_directory}", f"--json={model_directory}/model.keras"),
            r"replace a file that is read.*Received: .*model\.keras$",
        ),
        "unknown files in groups": (
            (*train, f"--groups={strangers}"),
            r"lacks a row for images.*Received: .*groups\.csv",
        ),
    }
    processes = fork_mains({case: command for case, (command, _) in cases.items()})
    return {case: (processes[case], cases[case][1]) for case in cases}, folder


CASES = (
    "unknown flag",
    "missing folder",
    "empty class",
    "broken images",
    "unknown backbone",
    "image too small",
    "wrong model directory",
    "half a model directory",
    "broken image",
    "output over an image",
    "output over the model",
    "unknown files in groups",
)


@pytest.mark.parametrize("case", CASES)
def test_one_clear_line_and_exit_code_2(runs, case):
    done, message = runs[0][case]
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    (line,) = (line for line in done.stderr.splitlines() if line.startswith("error: "))
    assert re.search(message, line), line
    assert line == done.stderr.splitlines()[-1]


def test_every_case_was_run(runs):
    assert set(runs[0]) == set(CASES)


def test_nothing_is_half_written(runs):
    folder = runs[1]
    assert list((folder / "output").iterdir()) == []
    kept = {"output", "empty", "broken", "half", "groups.csv"}
    assert {path.name for path in folder.iterdir()} == kept
    assert {path.name for path in (folder / "half").iterdir()} >= {"model.keras", "model.json"}
