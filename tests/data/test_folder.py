"""Folders of images: order, labels, fingerprint, and every way in which one can be wrong."""

import os
import shutil

import numpy as np
import pytest
from absl import logging
from PIL import Image

from keras_crosspool.data import load_images, open_split

NAMES = ("apple", "Banana", "cherry")


@pytest.fixture
def folder(tmp_path):
    """Three classes of 3, 2 and 4 one-coloured images; the red value counts them through."""
    colour = 0
    for name, count in zip(NAMES, (3, 2, 4), strict=True):
        for index in range(count):
            path = tmp_path / "data" / "train" / name / f"{index}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (20, 20), (colour, 0, 0)).save(path)
            colour += 10
    return tmp_path / "data"


def _examples(split):
    assert len(split.names) == len(split.labels) == split.size
    return list(zip(split.names, split.labels.tolist(), strict=True))


def test_order_and_labels(folder):
    split = open_split(folder, "train")
    assert split.name == "train"
    assert split.class_names == ("Banana", "apple", "cherry")
    assert split.size == 9
    assert split.skipped == ()
    assert split.coarse_names == {}
    expected = [
        (str(folder / "train" / name / f"{i}.png"), label)
        for label, (name, count) in enumerate((("Banana", 2), ("apple", 3), ("cherry", 4)))
        for i in range(count)
    ]
    assert _examples(split) == expected == _examples(open_split(str(folder), "train"))
    first, last = split.encoded([0, 8])
    assert first == (folder / "train" / "Banana" / "0.png").read_bytes()
    assert last == (folder / "train" / "cherry" / "3.png").read_bytes()


def test_any_image_can_be_read_by_its_index(folder):
    split = open_split(folder, "train")
    encoded = list(split.encoded(range(9)))
    for index in (8, 0, 4):
        assert split.read(index) == encoded[index]


@pytest.mark.parametrize("count", [1, 2, 4, 9])
def test_parts_together_are_the_split(folder, count):
    split = open_split(folder, "train")
    parts = [split.part(index, count) for index in range(count)]
    sizes = [part.size for part in parts]
    assert sum(sizes) == 9
    assert max(sizes) - min(sizes) <= 1
    assert [example for part in parts for example in _examples(part)] == _examples(split)
    assert [name for part in parts for name in part.names] == list(split.names)
    assert [part.read(0) for part in parts] == [
        split.read(sum(sizes[:index])) for index in range(count)
    ]
    last = parts[-1].between(parts[-1].size - 1, parts[-1].size)  # a part of a part
    assert _examples(last) == _examples(split)[-1:]
    assert (last.names, last.read(0)) == (split.names[-1:], split.read(8))
    assert list(last.encoded([0])) == [split.read(8)]


def test_labels_follow_a_models_classes(folder):
    model_classes = ("cherry", "plum", "apple", "Banana")
    split = open_split(folder, "train", model_classes)
    assert split.class_names == model_classes
    assert [label for _, label in _examples(split)] == [3] * 2 + [2] * 3 + [0] * 4


def test_a_class_the_model_does_not_know_is_named(folder):
    with pytest.raises(ValueError, match=r"1 class.* not trained on.* knows 2.*Received: cherry$"):
        open_split(folder, "train", ("apple", "Banana"))


def test_other_files_and_hidden_ones_are_left_alone(folder):
    (folder / "train" / "apple" / "notes.txt").write_text("notes")
    (folder / "train" / "apple" / "._0.png").write_text("what a Mac leaves behind")
    (folder / "train" / ".ipynb_checkpoints").mkdir()
    (folder / "train" / "list.csv").write_text("a,b")
    assert open_split(folder, "train").size == 9
    shutil.copy(folder / "train" / "apple" / "0.png", folder / "train" / "apple" / "9.PNG")
    assert open_split(folder, "train").size == 10


def test_coarse_classes(folder):
    rows = "class,coarse_class\napple,pome\nBanana,berry\ncherry,stone\nplum,stone\n"
    (folder / "classes.csv").write_text(rows)
    coarse_names = {"apple": "pome", "Banana": "berry", "cherry": "stone"}
    assert open_split(folder, "train").coarse_names == coarse_names
    (folder / "classes.csv").write_text("name,group\napple,pome\n")
    with pytest.raises(ValueError, match=r"columns class,coarse_class.*Received: .*name,group"):
        open_split(folder, "train")


class TestFingerprint:
    def test_stays_with_time_and_place(self, folder, tmp_path):
        before = open_split(folder, "train").fingerprint
        assert len(before) == 64
        for path in folder.rglob("*.png"):
            os.utime(path, (0, 0))
        shutil.copytree(folder, tmp_path / "elsewhere")
        assert open_split(folder, "train").fingerprint == before
        assert open_split(tmp_path / "elsewhere", "train").fingerprint == before

    def test_changes_with_a_byte(self, folder):
        before = open_split(folder, "train").fingerprint
        path = folder / "train" / "cherry" / "3.png"
        Image.new("RGB", (20, 20), (81, 0, 0)).save(path)
        assert open_split(folder, "train").fingerprint != before

    def test_changes_with_a_label(self, folder):
        before = open_split(folder, "train").fingerprint
        source = folder / "train" / "cherry" / "3.png"
        source.rename(folder / "train" / "apple" / "3.png")
        assert open_split(folder, "train").fingerprint != before

    def test_changes_with_a_class_name(self, folder):
        before = open_split(folder, "train").fingerprint
        (folder / "train" / "cherry").rename(folder / "train" / "cranberry")
        assert open_split(folder, "train").fingerprint != before

    def test_changes_with_the_number_of_images(self, folder):
        before = open_split(folder, "train").fingerprint
        (folder / "train" / "cherry" / "3.png").unlink()
        assert open_split(folder, "train").fingerprint != before


class TestBadFolders:
    def test_missing_folder(self, folder):
        with pytest.raises(ValueError, match=r"no such folder.*split/class.*Received: .*nowhere$"):
            open_split(folder / "nowhere", "train")
        (folder / "file").write_text("")
        with pytest.raises(ValueError, match="no such folder"):
            open_split(folder / "file", "train")

    @pytest.mark.parametrize("split", ["valid", "", None, "train[:50%]"])
    def test_missing_split(self, folder, split):
        with pytest.raises(ValueError, match=r"no such split; it has: train\. Received:"):
            open_split(folder, split)

    def test_split_without_classes(self, folder):
        (folder / "test").mkdir()
        (folder / "test" / "photo.jpg").write_bytes(b"")
        with pytest.raises(ValueError, match=r"no class folders.*Received: .*/test$"):
            open_split(folder, "test")

    def test_empty_class(self, folder):
        (folder / "train" / "damson").mkdir()
        (folder / "train" / "damson" / "notes.txt").write_text("no image")
        with pytest.raises(
            ValueError, match=r"A class has no images.*Received: .*/damson, which holds 1 \.txt$"
        ):
            open_split(folder, "train")


@pytest.fixture
def broken_folder(folder, grocery):
    """The folder with a text file, a truncated JPEG and a damaged PNG among its images."""
    (folder / "train" / "apple" / "text.jpg").write_text("not an image")
    photo = sorted((grocery / "test" / "Anjou").iterdir())[0].read_bytes()
    (folder / "train" / "apple" / "truncated.jpg").write_bytes(photo[:-3000])
    image = folder / "train" / "cherry" / "1.png"
    image.write_bytes(image.read_bytes().replace(b"IDAT", b"IDXX"))
    return folder


BROKEN = ("apple/text.jpg", "apple/truncated.jpg", "cherry/1.png")


def test_broken_images_are_counted_and_named(broken_folder):
    with pytest.raises(ValueError, match=r"3 of 11 images .*`skip_broken`.*Received:") as error:
        open_split(broken_folder, "train")
    for name in BROKEN:
        assert str(broken_folder / "train" / name) in str(error.value)


def test_broken_images_are_left_out_when_that_is_allowed(broken_folder, monkeypatch):
    warnings = []
    monkeypatch.setattr(logging, "warning", lambda message, *args: warnings.append(message % args))
    split = open_split(broken_folder, "train", skip_broken=True)
    assert split.size == 8
    assert split.skipped == tuple(str(broken_folder / "train" / name) for name in BROKEN)
    assert not set(split.skipped) & {name for name, _ in _examples(split)}
    assert [label for _, label in _examples(split)] == [0] * 2 + [1] * 3 + [2] * 3
    assert len(warnings) == 3
    assert all(path in text for path, text in zip(split.skipped, warnings, strict=True))
    assert split.summary() == "train: 8 images; left out: 3 broken"
    images, _ = load_images(split, 8)
    assert images[:, 0, 0, 0].tolist() == [30, 40, 0, 10, 20, 50, 70, 80]


def test_nothing_but_broken_images(tmp_path):
    (tmp_path / "train" / "apple").mkdir(parents=True)
    (tmp_path / "train" / "apple" / "text.jpg").write_text("not an image")
    with pytest.raises(ValueError, match=r"None of the 1 images can be used.*text\.jpg"):
        open_split(tmp_path, "train", skip_broken=True)


def test_grocery_mini_is_whole(grocery):
    for split, per_class in (("train", 20), ("test", 12)):
        opened = open_split(grocery, split)
        assert opened.size == 16 * per_class
        assert set(opened.coarse_names) == set(opened.class_names)
        labels = [label for _, label in _examples(opened)]
        np.testing.assert_array_equal(np.bincount(labels), [per_class] * 16)
