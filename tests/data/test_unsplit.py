"""Folders without splits: what is told apart from splits, and how a table parts them."""

import shutil

import pytest
from PIL import Image

from keras_crosspool.data import load_images, open_split
from keras_crosspool.data.layout import has_splits


def _save(path, red=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (20, 20), (red, 0, 0)).save(path)


def _images(root, *names):
    for number, name in enumerate(names):
        _save(root / name, 20 * number)


@pytest.fixture
def folder(tmp_path):
    """Two classes of three one-coloured images, and no splits."""
    root = tmp_path / "photos"
    _images(root, *(f"{name}/{i}.png" for name in ("apple", "pear") for i in range(3)))
    return root


@pytest.fixture
def table(tmp_path):
    """A table that puts one image of each class into `val`."""
    rows = ["file,split", "apple/0.png,train", "apple/1.png,val", "apple/2.png,train"]
    rows += ["pear/0.png,val", "pear/1.png,train", "pear/2.png,train"]
    (tmp_path / "splits.csv").write_text("\n".join(rows))
    return tmp_path / "splits.csv"


@pytest.mark.parametrize(
    ("names", "splits"),
    [
        (("apple/0.png", "pear/0.png"), False),
        (("train/apple/0.png", "train/pear/0.png"), True),
        (("monday/apple/0.png", "tuesday/apple/0.png"), True),
        (("train/apple/0.png", "train/beside.png"), True),  # an image beside the class folders
        (("apple/0.png", "apple/session/0.png", "pear/0.png"), False),  # a folder below a class
        (("bus/0.png", "train/0.png"), False),  # a class may be called train
        (("apple/0.heic", "pear/0.heif"), False),
        (("apple/0.png", ".cache/x/0.png"), False),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else str(value),
)
def test_splits_are_told_from_classes(tmp_path, names, splits):
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    assert has_splits(tmp_path) is splits


def test_labels_beside_the_images_are_one_folder(tmp_path):
    _images(tmp_path, "0.png", "day/more/1.png")
    (tmp_path / "labels.csv").write_text("file,labels\n0.png,a\nday/more/1.png,b\n")
    assert not has_splits(tmp_path)
    split = open_split(tmp_path, "all")
    assert (split.size, split.left_out, split.task.name) == (2, {}, "multi_label")
    shutil.copytree(tmp_path, tmp_path / "train")
    with pytest.raises(ValueError, match=r"not clear.*class folders in train, and images in "):
        has_splits(tmp_path)


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ((), r"holds no images; expected.*Received: .*, which holds nothing$"),
        (("notes.txt",), r"holds no images.*which holds notes\.txt$"),
        (("apple/notes.txt",), r"holds no images.*which holds apple$"),
        (("0.png", "1.png"), r"in no class folders: sort.*labels\.csv.*with 0\.png, 1\.png$"),
        (("train/0.png", "val/0.png"), r"splits hold no class folders.*images in train, val$"),
        (
            ("train/apple/0.png", "pear/0.png"),
            r"not clear what is a split and what a class.*in train, and images in pear$",
        ),
        (("apple/0.png", *(f"s{i}/a/0.png" for i in range(5))), r"in s0, s1, s2 and 2 more, and"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_what_is_neither_is_refused(tmp_path, names, words, tried):
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    with pytest.raises(ValueError, match=words) as error:
        has_splits(tmp_path)
    tried("files", f"a folder with {', '.join(names[:2]) or 'nothing'}", error.value)
    with pytest.raises(ValueError, match="Received: "):
        open_split(tmp_path, "all")


def test_a_split_that_is_named_is_opened_beside_a_class(tmp_path):
    _images(tmp_path, "train/apple/0.png", "train/pear/0.png", "raw/0.png")
    assert open_split(tmp_path, "train").size == 2


def test_the_whole_folder(folder):
    for name in ("groups.csv", "classes.csv"):
        columns = {"groups.csv": "file,group", "classes.csv": "class,coarse_class"}[name]
        (folder / name).write_text(f"{columns}\napple,x\npear,x\n")
    split = open_split(folder, "all")
    assert (split.name, split.size, split.left_out) == ("all", 6, {})
    assert split.class_names == ("apple", "pear")
    assert split.coarse_names == {"apple": "x", "pear": "x"}


def test_a_table_parts_it(folder, table):
    training = open_split(folder, "train", splits=table)
    validation = open_split(folder, "val", splits=str(table))
    assert (training.size, validation.size, training.left_out) == (4, 2, {})
    images, labels = load_images(validation, 8)
    assert (images[:, 0, 0, 0].tolist(), labels.tolist()) == ([20, 60], [0, 1])
    whole = open_split(folder, "all")
    assert len({split.fingerprint for split in (training, validation, whole)}) == 3
    chosen = whole.chosen([1, 3], "val")
    assert chosen.fingerprint == validation.fingerprint
    assert (chosen.names, chosen.size) == (validation.names, 2)
    assert list(chosen.encoded([1])) == [validation.read(1)] == [chosen.read(1)]
    assert chosen.between(1, 2).names == validation.names[1:]


def test_new_images_are_in_no_split(folder, table):
    _save(folder / "apple" / "3.png")
    split = open_split(folder, "val", splits=table)
    assert (split.size, split.left_out) == (2, {"in no split": 1})


def test_classes_are_those_of_the_whole_folder(folder, table):
    table.write_text("file,split\napple/0.png,val\n")
    split = open_split(folder, "val", splits=table)
    assert (split.size, split.class_names) == (1, ("apple", "pear"))


def test_without_a_table_no_part_can_be_opened(folder, tried):
    for split in ("val", "apple", None):
        with pytest.raises(ValueError, match=r"no splits: name a table `splits`.*'all'") as error:
            open_split(folder, split)
    tried("files", "a split of a folder without splits", error.value)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("file,split\napple/0.png,train\n", r"no such split; it has: train\. Received: .*'val'$"),
        ("file,split\napple/9.png,val\n", r"not in the folder.*1 of 1 missing: apple/9\.png$"),
        ("file,split\n", r"has no rows"),
        ("file,split\napple/0.png,\n", r"without a split.*line 2$"),
        ("file,part\napple/0.png,val\n", r"needs the columns file,split"),
        ("file,split\napple/0.png,val\napple/0.png,train\n", r"two rows with the same file"),
    ],
)
def test_a_bad_table_is_refused(folder, table, rows, words, tried):
    table.write_text(rows)
    with pytest.raises(ValueError, match=words) as error:
        open_split(folder, "val", splits=table)
    tried("tables", f"splits.csv with {rows.split()[-1]}", error.value)


def test_a_table_is_not_read_where_there_are_splits(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "data" / "val")
    assert open_split(tmp_path / "data", "val", splits=tmp_path / "nowhere.csv").size == 6


def test_names_that_look_equal_are_refused(folder, table):
    for name in ("caf\u00e9", "cafe\u0301"):
        _save(folder / "apple" / f"{name}.png")
    with pytest.raises(ValueError, match="cannot tell files apart"):
        open_split(folder, "val", splits=table)
