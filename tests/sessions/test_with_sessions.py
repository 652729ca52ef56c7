"""Where the sessions of a split come from, and what bad input is told."""

import csv
import logging
import shutil

import numpy as np
import pytest
from PIL import Image

from keras_crosspool.data import open_split
from keras_crosspool.data.array_images import labelled_images
from keras_crosspool.sessions import with_sessions
from keras_crosspool.sessions.similarity import seen_before

SIDE = 24


def _picture(seed):
    rng = np.random.default_rng(seed)
    return Image.fromarray(rng.integers(0, 256, (SIDE, SIDE, 3), "uint8"))


@pytest.fixture
def folder(tmp_path):
    """Two classes of six images: `train/CLASS/NUMBER.png`."""
    for label, name in enumerate(("apple", "pear")):
        (tmp_path / "train" / name).mkdir(parents=True)
        for number in range(6):
            _picture(10 * label + number).save(tmp_path / "train" / name / f"{number}.png")
    return tmp_path


def _table(path, rows):
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("file", "group"), *rows])
    return path


def _names(folder):
    return sorted(p.relative_to(folder).as_posix() for p in (folder / "train").rglob("*.png"))


def _by_two(names):
    return [(name, f"day {int(name.rsplit('/', 1)[1][0]) // 2}") for name in names]


def test_a_table_in_the_data_folder_is_read(folder):
    _table(folder / "groups.csv", _by_two(_names(folder)))
    split = with_sessions(open_split(str(folder), "train"))
    assert split.groups == (0, 0, 1, 1, 2, 2) * 2
    assert split.grouped_by == "groups.csv"


def test_a_table_may_name_files_from_the_split_on(folder, tmp_path):
    names = [name.removeprefix("train/") for name in _names(folder)]
    table = _table(tmp_path / "days.csv", _by_two(names))
    split = with_sessions(open_split(str(folder), "train"), str(table))
    assert split.groups == (0, 0, 1, 1, 2, 2) * 2
    assert split.grouped_by == "days.csv"


def test_rows_of_other_splits_are_passed_over(folder):
    shutil.copytree(folder / "train", folder / "val")
    rows = _by_two(_names(folder))
    rows += [(name.replace("train", "val"), group) for name, group in rows]
    _table(folder / "groups.csv", rows)
    assert with_sessions(open_split(str(folder), "train")).groups == (0, 0, 1, 1, 2, 2) * 2


def test_the_third_column_of_labels_comes_first(folder):
    rows = [(name.removeprefix("train/"), "a", group) for name, group in _by_two(_names(folder))]
    with (folder / "train" / "labels.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("file", "labels", "group"), *rows])
    split = with_sessions(open_split(str(folder), "train"))
    assert split.groups == (0, 0, 1, 1, 2, 2) * 2
    assert split.grouped_by == "labels.csv"


def test_time_and_camera_are_read(folder):
    """Two cameras, photographs a minute apart, a pause of an hour after the third."""
    for index, name in enumerate(_names(folder)):
        exif = Image.Exif()
        minute = index % 6 + (60 if index % 6 > 2 else 0)
        exif.get_ifd(0x8769)[0x9003] = f"2026:05:01 10:{minute % 60:02}:00".replace(
            " 10:", f" {10 + minute // 60}:"
        )
        exif[0x0110] = "one" if index < 6 else "two"
        _picture(index).save(folder / name, exif=exif)
    split = with_sessions(open_split(str(folder), "train"))
    assert split.grouped_by == "time and camera"
    sessions = np.array(split.groups)
    assert len(set(sessions)) == 4
    assert all(len(set(sessions[start : start + 3])) == 1 for start in (0, 3, 6, 9))


def test_images_without_a_time_are_compared(folder):
    split = with_sessions(open_split(str(folder), "train"))
    assert split.grouped_by == "found by similarity"
    assert len(split.groups) == 12


def test_none_leaves_each_image_by_itself(folder):
    _table(folder / "groups.csv", _by_two(_names(folder)))
    for none in (None, "none"):
        split = with_sessions(open_split(str(folder), "train"), none)
        assert (split.groups, split.grouped_by) == ((), "")


def test_arrays_take_groups_as_arrays():
    images = np.random.default_rng(0).integers(0, 256, (6, SIDE, SIDE, 3))
    given = labelled_images(images, np.array([0, 1] * 3), ("a", "b"), "single_label")
    days = np.array(["mon", "mon", "tue", "tue", "wed", "wed"])
    assert with_sessions(given, days).groups == (0, 0, 1, 1, 2, 2)
    with pytest.raises(ValueError, match=r"give groups as an array\. Received: groups='days.csv'"):
        with_sessions(given, "days.csv")


def test_a_class_of_one_session_is_named(folder, caplog):
    rows = [(name, "one" if "apple" in name else name) for name in _names(folder)]
    _table(folder / "groups.csv", rows)
    with caplog.at_level(logging.WARNING):
        with_sessions(open_split(str(folder), "train"))
    assert "classes with photographs of one session alone: 1;" in caplog.text
    assert "apple" in caplog.text


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda rows: [*rows, ("train/apple/9.png", "x")], r"not there.*Received: .*9\.png"),
        (lambda rows: rows[1:], r"lacks a row.*Received: .*1 of 12 missing: train/apple/0\.png"),
        (lambda rows: [(name, "all") for name, _ in rows], r"one group.*Received: 12 images"),
        (lambda rows: [*rows, rows[0]], r"two rows with the same file"),
    ],
)
def test_a_bad_table_is_refused(folder, change, message):
    _table(folder / "groups.csv", change(_by_two(_names(folder))))
    with pytest.raises(ValueError, match=message):
        with_sessions(open_split(str(folder), "train"))


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        (np.arange(5), r"the group of each image, \(12,\)\. Received: shape \(5,\)"),
        (np.zeros(12), "All images are in one group"),
    ],
)
def test_a_bad_array_is_refused(folder, groups, message):
    with pytest.raises(ValueError, match=message):
        with_sessions(open_split(str(folder), "train"), groups)


def test_photographs_that_were_trained_on_are_counted(folder):
    shutil.copytree(folder / "train", folder / "val")
    for name in _names(folder)[2:]:
        _picture(500 + _names(folder).index(name)).save(folder / name.replace("train", "val", 1))
    with Image.open(folder / "val" / "apple" / "1.png") as image:
        image.save(folder / "val" / "apple" / "1.bmp")
    splits = (open_split(str(folder), name) for name in ("train", "val"))
    # 0.png and 1.png are copies, and so is 1.bmp between them.
    assert seen_before(*splits).tolist() == [0, 1, 2]
