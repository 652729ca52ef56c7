"""The mains extract and search: from a trained model to neighbours, and what they refuse."""

import json
import re

import keras
import numpy as np
import pytest
from PIL import Image

from keras_crosspool import load_model
from keras_crosspool.data import load_images, open_split
from keras_crosspool.retrieval import open_descriptors, ternarize, unpack

EXTRACT, SEARCH = "keras_crosspool.extract", "keras_crosspool.search"


@pytest.fixture(scope="module")
def runs(run_main, fork_mains, model_directory, tiny_folder, tmp_path_factory):
    """All runs, and the folder of what they wrote."""
    folder = tmp_path_factory.mktemp("runs")
    photos = [sorted((tiny_folder / "test" / name).iterdir())[0] for name in ("Anjou", "Orange")]
    model, descriptors = f"--model={model_directory}", f"--descriptors={folder}/packed"
    extract = (EXTRACT, model, f"--output={folder}/packed", "--format=packed")
    # Neither data nor split: the training data's training split.
    started = {"extract": run_main(*extract), "help search": run_main(SEARCH, "--help")}
    cases = {
        "help extract": (EXTRACT, "--help"),
        "again": extract,
        "other format": (*extract[:-1], "--format=float16"),
        "search": (
            SEARCH, model, descriptors, "--nearest=4", f"--contact_sheet={folder}/sheet.png",
            f"--json={folder}/found.json", *photos,
        ),
        "no image": (SEARCH, model, descriptors),
        "no descriptors": (SEARCH, model, f"--descriptors={tiny_folder}", photos[0]),
        "no image format": (SEARCH, model, descriptors, "--contact_sheet=sheet.txt", photos[0]),
    }  # fmt: skip
    return started | fork_mains(cases), folder, photos


def test_help_in_words(runs):
    for name in ("extract", "search"):
        done = runs[0][f"help {name}"]
        assert done.returncode == 0
        assert f"python -m keras_crosspool.{name} " in done.stdout
        assert "--model:" in done.stdout


def test_extract_says_what_it_did(runs):
    done = runs[0]["extract"]
    assert done.returncode == 0, done.stderr
    assert "18 images of train, 512 values each as packed: " in done.stdout
    assert re.search(r"^\d+\.\d images/s$", done.stdout, re.MULTILINE)
    again = runs[0]["again"]
    assert again.returncode == 0, again.stderr
    assert "18 of them were there already" in again.stdout
    assert "images/s" not in again.stdout


def test_search_finds_the_nearest(runs, model_directory, tiny_folder):
    processes, folder, photos = runs
    done = processes["search"]
    assert done.returncode == 0, done.stderr
    model, metadata = load_model(model_directory)
    extractor = keras.Model(model.input, model.get_layer("logits").input)
    split = open_split(tiny_folder, "test", metadata.class_names)
    images, labels = load_images(split, metadata.image_size)
    asked = [np.flatnonzero(labels == i)[0] for i in (0, 2)]
    queries = ternarize(keras.ops.convert_to_numpy(extractor(images[asked].astype("float32"))))
    store = open_descriptors(folder / "packed")
    stored = np.concatenate([unpack(rows, 512) for _, rows in store.shards()]).astype("float64")
    lengths = np.linalg.norm(stored, axis=1)
    records = json.loads((folder / "found.json").read_text())
    assert [record["path"] for record in records] == [str(path) for path in photos]
    for record, query in zip(records, queries.astype("float64"), strict=True):
        similar = np.sort(stored @ query / lengths / np.linalg.norm(query))[::-1]
        found = [row["similarity"] for row in record["neighbours"]]
        # The batch may change the last bits of a value at the threshold.
        assert found == pytest.approx(similar[:4], abs=0.03)
        assert all(f"/{row['classes'][0]}/" in row["image"] for row in record["neighbours"])
        assert sum(row["votes"] for row in record["votes"]) == 4
        best = record["votes"][0]
        line = f"votes: {best['class']} {best['votes']} (mean {best['similarity']:.3f})"
        assert line in done.stdout
    assert records[1]["votes"][0]["class"] == "Orange"
    with Image.open(folder / "sheet.png") as sheet:
        assert sheet.width > 2 * sheet.height


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("other format", r"made with other settings.*with format packed, not float16$"),
        ("no image", r"Expected images: search .*Received: none$"),
        ("no descriptors", r"no folder of descriptors: .*Received: .*tiny$"),
        ("no image format", r"ends in one of .*Received: sheet\.txt$"),
    ],
)
def test_one_clear_line_and_exit_code_2(runs, case, words):
    done = runs[0][case]
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    (line,) = (line for line in done.stderr.splitlines() if line.startswith("error: "))
    assert re.search(words, line), line


def test_nothing_else_is_written(runs):
    assert sorted(path.name for path in runs[1].iterdir()) == [
        "found.json", "packed", "sheet.png",
    ]  # fmt: skip
