"""Images with several labels: `labels.csv`, and every way in which it can be wrong."""

import csv

import numpy as np
import pytest
from PIL import Image

from keras_crosspool.data import image_batches, load_images, open_split
from keras_crosspool.data.pipeline import _draw
from keras_crosspool.targets import MULTI_LABEL, SINGLE_LABEL

ROWS = {
    "0.png": "milk;bread",
    "1.png": "",
    "2.png": " pear ; milk;milk",
    "sub/3.png": "pear",
}
EXPECTED = [[1, 1, 0], [0, 0, 0], [0, 1, 1], [0, 0, 1]]  # bread, milk, pear


@pytest.fixture
def folder(tmp_path):
    """Four one-coloured images, one in a folder of its own; the red value counts them."""
    for index, name in enumerate(ROWS):
        path = tmp_path / "train" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (20, 20), (10 * index, 0, 0)).save(path)
    (tmp_path / "train" / ".cache").mkdir()
    Image.new("RGB", (20, 20)).save(tmp_path / "train" / ".cache" / "hidden.png")
    _write(tmp_path, ROWS)
    return tmp_path


def _write(folder, rows, columns=("file", "labels")):
    with open(folder / "train" / "labels.csv", "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([columns, *(rows.items() if isinstance(rows, dict) else rows)])


def test_labels_are_multi_hot(folder):
    split = open_split(folder, "train")
    assert split.task is MULTI_LABEL
    assert (split.class_names, split.size) == (("bread", "milk", "pear"), 4)
    images, labels = load_images(split, 8)
    assert labels.tolist() == EXPECTED
    assert images[:, 0, 0, 0].tolist() == [0, 10, 20, 30]
    batches = list(image_batches(split, 8, 3))
    assert [tuple(y.shape) for _, y in batches] == [(3, 3), (1, 3)]
    np.testing.assert_array_equal(np.concatenate([y for _, y in batches]), EXPECTED)


def test_labels_follow_a_models_classes(folder):
    split = open_split(folder, "train", ("pear", "plum", "bread", "milk"))
    columns = np.array(EXPECTED)[:, [2, 0, 0, 1]]
    columns[:, 1] = 0
    np.testing.assert_array_equal(load_images(split, 8)[1], columns)
    with pytest.raises(ValueError, match=r"1 class.* not trained on.*Received: bread$"):
        open_split(folder, "train", ("pear", "milk"))


def test_a_byte_order_mark_is_no_part_of_the_columns(folder):
    table = folder / "train" / "labels.csv"
    table.write_bytes(b"\xef\xbb\xbf" + table.read_bytes())
    assert open_split(folder, "train").size == 4


def test_fingerprint_follows_the_labels(folder):
    before = open_split(folder, "train").fingerprint
    _write(folder, dict(reversed(ROWS.items())) | {"0.png": "bread;milk"})
    assert open_split(folder, "train").fingerprint == before
    _write(folder, ROWS | {"1.png": "milk"})
    assert open_split(folder, "train").fingerprint != before


def test_groups_stay_with_their_images(folder):
    assert open_split(folder, "train").groups == ()
    rows = [(*row, group) for row, group in zip(ROWS.items(), ("b", "a", "b", ""), strict=True)]
    _write(folder, rows, ("file", "labels", "group"))
    first, second, third, fourth = open_split(folder, "train").groups
    assert first == third
    assert len({first, second, fourth}) == 3
    (folder / "train" / "1.png").write_text("no image")
    first, third, fourth = open_split(folder, "train", skip_broken=True).groups
    assert first == third != fourth


def test_broken_images_are_left_out_with_their_labels(folder):
    (folder / "train" / "1.png").write_text("no image")
    with pytest.raises(ValueError, match=r"1 of 4 images .*`skip_broken`.*1\.png"):
        open_split(folder, "train")
    split = open_split(folder, "train", skip_broken=True)
    assert load_images(split, 8)[1].tolist() == [EXPECTED[i] for i in (0, 2, 3)]


def test_a_draw_is_even_over_labels():
    # Of forty images nearly all have the first label, two the second and one has none.
    labels = np.tile([1, 0], (40, 1))
    labels[[7, 30], 1], labels[21] = 1, 0
    for seed in range(5):
        drawn = _draw(labels, 6, seed)
        assert len(set(drawn)) == 6
        assert {7, 21, 30} < set(drawn)


def test_a_model_takes_the_labels_of_its_own_task(folder, grocery):
    with pytest.raises(ValueError, match=r"which is single_label\. Received: .*for multi_label$"):
        open_split(folder, "train", task="single_label")
    with pytest.raises(ValueError, match=r"which is multi_label\. Received: .*for single_label$"):
        open_split(grocery, "test", task="multi_label")
    assert open_split(grocery, "test", task="single_label").task is SINGLE_LABEL


@pytest.mark.parametrize(
    ("rows", "columns", "message"),
    [
        (ROWS, ("name", "labels"), r"needs the columns file,labels.*csv with name,labels$"),
        (ROWS | {"9.png": "milk"}, None, r"names files that are no images.*1 of them: 9\.png$"),
        (ROWS | {"../train/0.png": ""}, None, r"names files that are no images.*\.\./train/0"),
        ({"0.png": "milk"}, None, r"lacks a row for images.*3 of them: 1\.png, 2\.png, sub/3"),
        (
            [*ROWS.items(), ("2.png", "pear")],
            None,
            r"two rows with the same file.*lines 4 and 6: 2\.png$",
        ),
        (dict.fromkeys(ROWS, ";"), None, r"gives no image a label\. Received: .*labels\.csv$"),
        ([], (), r"needs the columns file,labels.*csv with $"),
    ],
)
def test_bad_tables_are_named(folder, rows, columns, message):
    _write(folder, rows, ("file", "labels") if columns is None else columns)
    with pytest.raises(ValueError, match=message):
        open_split(folder, "train")
