"""Models whose classes have names that mean something to terminals, rich and Matplotlib."""

import json
import os
import signal
import subprocess
import sys

import keras
import numpy as np
import pytest

from keras_crosspool.models.directory import save_model
from keras_crosspool.models.metadata import ModelMetadata
from tests.small_models import flat_classifier

SIZE = 16
NAMES = ["$\\frac{$", "[red]pear", ":pear: _{", "\x1b[31mred\x1b]0;title\x07", "caf\u00e9"]
SHOWN = ["$\\frac{$", "[red]pear", ":pear: _{", r"\x1b[31mred\x1b]0;title\x07", "caf\u00e9"]
FEW, MANY = tuple(NAMES), (*NAMES, *(f"class {i}" for i in range(145)))


def _save(directory, class_names, data):
    keras.utils.set_random_seed(0)
    image = keras.Input((SIZE, SIZE, 3))
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.Rescaling(1 / 255)(image))
    model = flat_classifier(image, x, class_names)
    metadata = ModelMetadata(
        "tiny", class_names, SIZE, {},
        {"path": str(data), "train_split": "test", "val_split": None, "fingerprint": ""}, {}, {},
    )  # fmt: skip
    save_model(directory, model, metadata)


def _write_data(folder, class_names):
    for number, name in enumerate(class_names):
        path = folder / "test" / name / "a.png"
        path.parent.mkdir(parents=True)
        pixels = np.full((SIZE, SIZE, 3), [number, 255 - number, 7 * number % 256], "uint8")
        keras.utils.save_img(path, pixels, scale=False)


@pytest.fixture(scope="module")
def runs(tmp_path_factory, fork_mains):
    """The processes, and the folder of what they wrote."""
    folder = tmp_path_factory.mktemp("odd")
    for name, classes in (("few", FEW), ("many", MANY)):
        _write_data(folder / name, classes)
        _save(folder / f"model_{name}", classes, folder / name)
    photos = [folder / "few" / "test" / name / "a.png" for name in NAMES]
    processes = fork_mains(
        {
            "predict": (
                "keras_crosspool.predict", f"--model={folder}/model_few",
                f"--json={folder}/predict.json", *photos,
            ),
            "evaluate": (
                "keras_crosspool.evaluate", f"--model={folder}/model_many",
                f"--json={folder}/evaluate.json",
            ),
        }
    )  # fmt: skip
    return processes, folder, photos


def _cells(text, column):
    """A column of the tables in a text; a name that is folded is put together again."""
    rows = [line.split("│")[1:-1] for line in text.splitlines() if line.startswith("│")]
    folded = {}
    number = 0
    for row in rows:
        number += bool(row[-1].strip())
        folded[number] = folded.get(number, "") + row[column].strip()
    return list(folded.values())


def test_names_are_printed_as_they_are(runs, tried):
    done = runs[0]["predict"]
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout
    cells = _cells(done.stdout, 0)
    for name in SHOWN:
        assert cells.count(name) == len(NAMES), name
    for photo, name in zip(runs[2], SHOWN, strict=True):
        assert str(photo.parent.parent / name / "a.png") in done.stdout
    tried("names", "predict with classes of terminal escapes, markup, mathematics", "as escapes")


def test_json_has_the_names_themselves(runs):
    records = json.loads((runs[1] / "predict.json").read_bytes())
    assert [record["path"] for record in records] == list(map(str, runs[2]))
    for record in records:
        assert {row["class"] for row in record["classes"]} == set(NAMES)
    scores = json.loads((runs[1] / "evaluate.json").read_bytes())
    assert set(scores["classes"]) == set(MANY)


def test_a_table_of_many_classes_is_cut_with_a_note(runs):
    done = runs[0]["evaluate"]
    assert done.returncode == 0, done.stderr
    assert len(_cells(done.stdout, 0)) == 100
    assert "the 100 of 150 classes with the lowest recall; --json=FILE writes all" in done.stdout
    recalls = [float(cell) for cell in _cells(done.stdout, 2)]
    scores = json.loads((runs[1] / "evaluate.json").read_bytes())
    lowest = sorted(row["recall"] for row in scores["classes"].values())[:100]
    assert recalls == lowest


def test_files_are_there_when_the_reader_is_gone(runs, tried):
    _, folder, photos = runs
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "keras_crosspool.predict", f"--model={folder}/model_few"]
    done = subprocess.run(
        [*command, f"--json={folder}/gone.json", *photos],
        stdout=write,
        stderr=subprocess.PIPE,
        check=False,
        env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "2"},
    )
    os.close(write)
    assert done.returncode == -signal.SIGPIPE, done.stderr
    assert (folder / "gone.json").read_bytes() == (folder / "predict.json").read_bytes()
    tried("environment", "predict A B C | head -1", "writes its JSON, ends by SIGPIPE")
