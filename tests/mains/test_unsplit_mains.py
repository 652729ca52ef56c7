"""A folder without splits through the mains: train, evaluate, extract, and bad input."""

import csv
import json
import re
import shutil

import numpy as np
import pytest
from PIL import Image

from keras_crosspool import load_model
from keras_crosspool.data import open_split
from keras_crosspool.evaluation import predict_logits
from keras_crosspool.exporting.images import read_images
from keras_crosspool.exporting.source import load_source

CLASSES, SESSIONS, SHOTS = ("apple", "fig", "pear"), 5, 3
NETWORK = ("--backbone=VGG16", "--weights=none", "--image_size=64", "--window_size=1")
CHEAP = ("--scheme=global_average", "--crop_scales=1", "--nomirror")
TRAIN, EVALUATE, EXTRACT, SEARCH = (
    f"keras_crosspool.{name}" for name in ("train", "evaluate", "extract", "search")
)


def _draw(folder):
    """Photographs of five sessions of each class, and which session each is of."""
    rng, rows = np.random.default_rng(0), [("file", "group")]
    for label, name in enumerate(CLASSES):
        (folder / name).mkdir(parents=True)
        for session in range(SESSIONS):
            scene = rng.integers(0, 120, (8, 8, 3), "uint8").repeat(8, axis=0).repeat(8, axis=1)
            scene[..., label] += 100
            for shot in range(SHOTS):
                file = f"{name}/{session}_{shot}.png"
                Image.fromarray(scene + np.uint8(5 * shot)).save(folder / file)
                rows.append((file, f"{name} {session}"))
    with (folder / "groups.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    return folder


def _splits(path):
    with path.open(newline="") as file:
        return {row["file"]: row["split"] for row in csv.DictReader(file)}


@pytest.fixture(scope="module")
def runs(fork_main, fork_mains, tmp_path_factory):
    """The runs, and the folder of what they read and wrote."""
    folder = tmp_path_factory.mktemp("unsplit")
    data = _draw(folder / "photos")
    train = (TRAIN, f"--data={data}", *NETWORK, *CHEAP)
    done = {"train": fork_main(*train, "--seed=4", f"--output={folder}/model")}
    assert done["train"].returncode == 0, done["train"].stderr
    shutil.copytree(data, folder / "moved")
    for name in CLASSES:
        (folder / "others" / name).mkdir(parents=True)
        shutil.copy(data / name / "0_0.png", folder / "others" / name / "new.png")
    model = f"--model={folder}/model"
    table = f"--splits={folder}/model/splits.csv"
    done |= fork_mains(
        {
            "again": (*train, table, f"--output={folder}/again"),
            "evaluate": (EVALUATE, model, f"--json={folder}/own.json"),
            "evaluate val": (EVALUATE, model, "--split=val", f"--json={folder}/val.json"),
            "evaluate by a table": (
                *(EVALUATE, f"--model={folder}/model", f"--data={folder}/moved", table),
                f"--json={folder}/table.json",
            ),
            "evaluate a moved folder": (
                *(EVALUATE, model, f"--data={folder}/moved/", f"--json={folder}/moved.json"),
            ),
            "evaluate others": (
                *(EVALUATE, model, f"--data={folder}/others", f"--json={folder}/others.json"),
            ),
            "extract": (EXTRACT, model, f"--output={folder}/descriptors"),
        }
    )
    search = (SEARCH, model, f"--descriptors={folder}/descriptors", data / "fig" / "0_0.png")
    done["search"] = fork_main(*search, f"--contact_sheet={folder}/sheet.png")
    return done, folder


def test_train_says_how_the_folder_was_parted(runs, tried):
    done, folder = runs
    line = (
        "the folder has no splits: 36 of its photographs are trained on, 9 (of other sessions) "
        "validated; see splits.csv in the model directory"
    )
    assert line in done["train"].stderr
    assert "9 photographs of split val" in done["train"].stdout
    assert f"evaluate --model={folder}/model --split=val" in " ".join(
        done["train"].stdout.replace("\\", "").split()
    )
    tried("files", "a folder without splits", line)


def test_no_session_is_in_both_parts(runs):
    splits = _splits(runs[1] / "model" / "splits.csv")
    sessions = {name: set() for name in ("train", "val")}
    for file, split in splits.items():
        sessions[split].add(file.partition("_")[0])
    assert len(splits) == 45
    assert not sessions["train"] & sessions["val"]
    assert {session.partition("/")[0] for session in sessions["val"]} == set(CLASSES)


def test_the_users_folder_stays_as_it_was(runs):
    names = {path.name for path in (runs[1] / "photos").iterdir()}
    assert names == {*CLASSES, "groups.csv"}


def test_the_record_and_the_card_name_the_table(runs):
    directory = runs[1] / "model"
    data = load_model(directory)[1].data
    assert (data["train_split"], data["val_split"]) == ("train", "val")
    assert data["splits"] == "splits.csv"
    assert data["used"] == {"train": 36, "val": 9}
    assert data["grouped_by"] == "groups.csv"
    assert "`splits.csv` says which image" in (directory / "README.md").read_text()
    manifest = json.loads((directory / "keras_crosspool.manifest.json").read_text())
    assert "splits.csv" in manifest["files"]


def test_a_table_gives_the_same_photographs_again(runs):
    done, folder = runs
    assert done["again"].returncode == 0, done["again"].stderr
    first, again = (load_model(folder / name)[1] for name in ("model", "again"))
    assert _splits(folder / "again" / "splits.csv") == _splits(folder / "model" / "splits.csv")
    assert again.data == first.data  # the fingerprint of the photographs is among it


SCORED = {
    "evaluate": "own",
    "evaluate val": "val",
    "evaluate by a table": "table",
    "evaluate a moved folder": "moved",
}


@pytest.mark.parametrize("case", SCORED)
def test_evaluate_takes_the_photographs_of_the_model(runs, case):
    done, folder = runs
    assert done[case].returncode == 0, done[case].stderr
    scores = json.loads((folder / f"{SCORED[case]}.json").read_text())
    assert (scores["split"], scores["images"]) == ("val", 9)
    model, metadata = load_model(folder / "model")
    split = open_split(folder / "photos", "val", splits=folder / "model" / "splits.csv")
    logits, labels = predict_logits(model, split, metadata.image_size)
    accuracy = (logits.argmax(axis=1) == labels).mean()
    assert scores["top1"] == pytest.approx(accuracy)
    assert metadata.scores.validation["accuracy"] == pytest.approx(accuracy)


def test_evaluate_takes_all_of_another_folder(runs):
    done, folder = runs
    assert done["evaluate others"].returncode == 0, done["evaluate others"].stderr
    scores = json.loads((folder / "others.json").read_text())
    assert (scores["split"], scores["images"]) == ("all", 3)


def test_extract_takes_what_was_trained_on(runs):
    done, folder = runs
    assert done["extract"].returncode == 0, done["extract"].stderr
    with (folder / "descriptors" / "index.csv").open(newline="") as file:
        found = {row["image"].removeprefix(f"{folder}/photos/") for row in csv.DictReader(file)}
    splits = _splits(folder / "model" / "splits.csv")
    assert found == {name for name, split in splits.items() if split == "train"}


def test_search_shows_what_was_extracted(runs):
    done, folder = runs
    assert done["search"].returncode == 0, done["search"].stderr
    with Image.open(folder / "sheet.png") as image:
        image.verify()


@pytest.mark.parametrize(("purpose", "split"), [("parity", "val"), ("calibration", "train")])
def test_export_takes_the_photographs_of_the_model(runs, purpose, split):
    source = load_source(runs[1] / "model")
    images = read_images(source.metadata, purpose, image_options=source.image_options)
    assert (images.split, len(images.pixels)) == (split, {"val": 9, "train": 36}[split])


def _bad_folders(folder):
    """Folders that cannot be trained on, and a table that does not fit."""
    data = _draw(folder / "photos")
    (folder / "empty").mkdir()
    shutil.copytree(data / "fig", folder / "one" / "fig")
    shutil.copytree(data, folder / "mixed")
    shutil.copytree(data, folder / "mixed" / "train")
    shutil.copytree(data, folder / "split" / "train")
    rows = (data / "groups.csv").read_text()
    (folder / "unknown.csv").write_text(f"{rows}fig/none.png,x\n")
    (folder / "one.csv").write_text(re.sub(r",.*", ",same", rows).replace(",same", ",group", 1))
    return data


BAD = {
    "an empty folder": (("--data=empty",), r"holds no images.*Received: empty, which holds nothi"),
    "a folder of one class": (("--data=one",), r"two classes or more\. Received: one with fig$"),
    "splits and classes": (("--data=mixed",), r"not clear what is a split and what a class"),
    "groups of unknown files": (("--groups=unknown.csv",), r"not there.*1 of them: fig/none\.png$"),
    "one group alone": (("--groups=one.csv",), r"All images are in one group.*45 images"),
    "a split that is named": (("--val_split=val",), r"no splits to name.*--val_share.*_split=val$"),
    "a share of a folder with splits": (
        ("--data=split", "--val_share=0.2"),
        r"has splits.*--val_split\. Received: split with --val_share=0\.2$",
    ),
    "a share of all": (("--val_share=1",), r"val_share=1"),
}


@pytest.fixture(scope="module")
def bad_runs(fork_mains, tmp_path_factory):
    folder = tmp_path_factory.mktemp("bad_unsplit")
    _bad_folders(folder)
    train = (TRAIN, "--data=photos", *NETWORK, *CHEAP, "--output=model")
    return fork_mains({case: (*train, *flags) for case, (flags, _) in BAD.items()}, cwd=folder)


@pytest.mark.parametrize("case", BAD)
def test_bad_input_ends_in_one_clear_line(bad_runs, case, tried):
    done = bad_runs[case]
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    (line,) = (line for line in done.stderr.splitlines() if line.startswith("error: "))
    assert line == done.stderr.splitlines()[-1]
    assert re.search(BAD[case][1], line), line
    tried("files", f"{case}, without splits", line)
