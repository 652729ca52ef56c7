"""What is trained on and validated with: named splits, or sessions of a folder without."""

import csv
import logging
import shutil

import numpy as np
import pytest
from PIL import Image

from keras_crosspool.data import open_split
from keras_crosspool.data.splits_file import write_splits
from keras_crosspool.sessions import open_parts

CLASSES, SESSIONS, SHOTS = ("apple", "fig", "pear"), 5, 4


def _save(path, seed, shade=0):
    rng = np.random.default_rng(seed)
    scene = rng.integers(0, 200, (6, 6, 3), "uint8").repeat(4, axis=0).repeat(4, axis=1)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(scene + np.uint8(shade)).save(path)


def _session(name):
    return name.rsplit("/", 1)[-1].partition("_")[0]


@pytest.fixture
def folder(tmp_path):
    """Each class in five sessions of four photographs: a scene in slightly other light."""
    root = tmp_path / "photos"
    for label, name in enumerate(CLASSES):
        for session in range(SESSIONS):
            for shot in range(SHOTS):
                path = root / name / f"{name}{session}_{shot}.png"
                _save(path, 100 * label + session, 3 * shot)
    return root


def _groups(folder, session_of=_session):
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.png"))
    with (folder / "groups.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("file", "group"), *((n, session_of(n)) for n in names)])


def _sessions(split):
    return {_session(name) for name in split.names}


def test_no_session_is_in_both_parts(folder):
    _groups(folder)
    parts = open_parts(str(folder))
    training, validation = parts.training, parts.validation
    assert (training.name, training.size) == ("train", 48)
    assert (validation.name, validation.size) == ("val", 12)
    assert not _sessions(training) & _sessions(validation)
    assert np.bincount(validation.labels).tolist() == [4, 4, 4]
    assert (training.grouped_by, len(set(training.groups))) == ("groups.csv", 12)
    assert max(training.groups) == 11
    assert parts.summary() == (
        "the folder has no splits: 48 of its photographs are trained on, 12 (of other sessions) "
        "validated"
    )


def test_sessions_are_found_by_similarity(folder):
    parts = open_parts(str(folder))
    assert parts.training.grouped_by == "found by similarity"
    assert not _sessions(parts.training) & _sessions(parts.validation)


def test_nothing_is_written_to_the_folder(folder):
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    open_parts(str(folder))
    assert before == {path: path.stat().st_mtime_ns for path in folder.rglob("*")}


def test_the_seed_decides_and_the_share_counts(folder):
    _groups(folder)
    first, again, other = (open_parts(folder, seed=seed) for seed in (0, 0, 1))
    assert first.splits == again.splits != other.splits
    assert first.training.fingerprint == again.training.fingerprint
    assert open_parts(folder, val_share=0.4).validation.size == 24


def test_a_share_of_nothing_validates_nothing(folder, caplog):
    parts = open_parts(folder, val_share=0.0)
    assert (parts.validation, parts.training.size) == (None, 60)
    assert set(parts.splits.values()) == {"train"}
    assert parts.summary().endswith("60 of its photographs are trained on, none are validated")
    assert "not validated" not in caplog.text


def test_without_groups_photographs_are_drawn(folder):
    parts = open_parts(folder, groups="none")
    assert (parts.training.groups, parts.validation.size) == ((), 12)
    assert _sessions(parts.training) & _sessions(parts.validation)
    assert parts.summary().endswith("48 of its photographs are trained on, 12 validated")


def test_a_table_gives_the_same_parts_again(folder, tmp_path):
    first = open_parts(folder, seed=3)
    write_splits(tmp_path / "splits.csv", first.splits)
    again = open_parts(folder, splits=tmp_path / "splits.csv")
    for name in ("training", "validation"):
        one, other = getattr(first, name), getattr(again, name)
        assert (one.fingerprint, one.groups) == (other.fingerprint, other.groups)
        opened = open_split(folder, one.name, splits=tmp_path / "splits.csv")
        assert (opened.fingerprint, opened.names) == (one.fingerprint, one.names)
    assert again.splits == first.splits


def test_rows_of_other_splits_are_kept_and_new_photographs_named(folder, tmp_path, caplog):
    table = dict(open_parts(folder).splits)
    test = next(name for name, split in table.items() if split == "train")
    table[test] = "test"
    write_splits(tmp_path / "splits.csv", table)
    _save(folder / "fig" / "new_0.png", 999)
    with caplog.at_level(logging.WARNING):
        parts = open_parts(folder, splits=tmp_path / "splits.csv")
    assert parts.splits == table
    assert parts.training.size == 47
    assert "1 photographs are in no split" in caplog.text


def test_several_labels(folder, tmp_path):
    rows = ["file,labels,group"]
    for path in sorted(folder.rglob("*.png")):
        label = "" if path.name.startswith("fig0") else f"{path.parent.name};fruit"
        rows.append(f"{path.relative_to(folder).as_posix()},{label},{_session(path.name)}")
    (folder / "labels.csv").write_text("\n".join(rows))
    parts = open_parts(folder)
    assert parts.training.task.name == "multi_label"
    assert not _sessions(parts.training) & _sessions(parts.validation)
    assert parts.training.grouped_by == "labels.csv"
    assert (parts.validation.labels.sum(axis=0)[:3] > 0).all()


def test_a_class_of_one_session_is_trained_on(folder, caplog):
    _groups(folder, lambda name: "one" if "fig" in name else _session(name))
    with caplog.at_level(logging.WARNING):
        parts = open_parts(folder)
    assert np.bincount(parts.validation.labels, minlength=3)[1] == 0
    assert "classes that are trained on and not validated: 1 of 3" in caplog.text
    assert caplog.text.rstrip().endswith(": fig")


def test_a_class_of_one_photograph_is_trained_on(folder, caplog):
    _save(folder / "quince" / "quince0_0.png", 12)
    with caplog.at_level(logging.WARNING):
        parts = open_parts(folder)
    assert "quince" in caplog.text
    assert np.bincount(parts.training.labels)[3] == 1


def test_broken_photographs_are_in_no_part(folder):
    (folder / "fig" / "broken.jpg").write_text("text")
    (folder / "notes.txt").write_text("text")
    parts = open_parts(folder, skip_broken=True)
    assert parts.training.size + parts.validation.size == 60
    assert parts.training.left_out == {".txt": 1, "broken": 1}
    assert parts.validation.left_out == {}
    assert not any("broken" in name for name in parts.splits)


def test_named_splits(folder, tmp_path):
    for name in ("train", "other"):
        shutil.copytree(folder, tmp_path / "data" / name)
    parts = open_parts(tmp_path / "data")
    assert (parts.training.name, parts.validation, parts.splits) == ("train", None, {})
    parts = open_parts(tmp_path / "data", "other", "train")
    assert (parts.training.name, parts.validation.name) == ("other", "train")
    _save(tmp_path / "data" / "raw" / "0.png", 0)
    with pytest.raises(ValueError, match="not clear what is a split"):
        open_parts(tmp_path / "data", val_split="other")
    assert open_parts(tmp_path / "data", "train", "other").validation.size == 60


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"val_share": 0.2}, r"data has splits.*`val_split`\. Received: .* with `val_share=0\.2`$"),
        ({"splits": "x.csv"}, r"data has splits.*with `splits=x\.csv`$"),
        ({"splits": "x.csv", "train_split": "train"}, r"data has splits"),
    ],
)
def test_a_folder_with_splits_is_not_parted(folder, tmp_path, options, words):
    shutil.copytree(folder, tmp_path / "data" / "train")
    with pytest.raises(ValueError, match=words):
        open_parts(tmp_path / "data", **options)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"train_split": "train"}, r"no splits to name.*`val_share`.*with `train_split=train`$"),
        ({"val_split": "val"}, r"no splits to name.*with `val_split=val`$"),
        ({"train_split": "apple"}, r"has no splits.*split 'apple'$"),
        ({"groups": "groups.csv"}, r"not there.*Received: .*1 of them: apple/none\.png$"),
        ({"groups": "one.csv"}, r"All images are in one group"),
        ({"splits": "splits.csv", "val_share": 0.1}, r"says already.*`val_share=0\.1`$"),
        ({"splits": "splits.csv"}, r"no photographs to train on.*with none of fig, pear$"),
    ],
)
def test_bad_options_for_a_folder_without_splits(folder, tmp_path, monkeypatch, options, words):
    _groups(folder)
    lines = (folder / "groups.csv").read_text().splitlines()
    (folder / "groups.csv").unlink()
    (tmp_path / "groups.csv").write_text("\n".join([*lines, "apple/none.png,x"]))
    one = [line.partition(",")[0] + ",one" for line in lines[1:]]
    (tmp_path / "one.csv").write_text("\n".join(["file,group", *one]))
    (tmp_path / "splits.csv").write_text("file,split\napple/apple0_0.png,train\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=words):
        open_parts(folder, **options)


def test_a_folder_of_one_class_is_refused(folder):
    for name in CLASSES[1:]:
        shutil.rmtree(folder / name)
    with pytest.raises(ValueError, match=r"two classes or more\. Received: .*photos with apple$"):
        open_parts(folder)
