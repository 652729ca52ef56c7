"""What lies beside the images is counted by reason; nothing vanishes without a word."""

import json
import os
import shutil
import unicodedata

import pytest
from PIL import Image

from keras_crosspool.data import listing, load_images, open_split

CAFE = "café"
NFC, NFD = (unicodedata.normalize(form, CAFE) for form in ("NFC", "NFD"))


def _save(path, red=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (20, 20), (red, 0, 0)).save(path)


@pytest.fixture
def folder(tmp_path):
    """Two classes of one image each."""
    for number, name in enumerate(("apple", "pear")):
        _save(tmp_path / "data" / "train" / name / "0.png", 100 * number)
    return tmp_path / "data"


def test_everything_that_is_not_used_is_counted(folder, tried):
    apple = folder / "train" / "apple"
    for name in ("a.cr2", "b.CR2", "notes.txt", ".hidden.jpg", "no_suffix"):
        (apple / name).write_bytes(b"x")
    _save(apple / "session" / "deeper.png")
    _save(apple / "session" / "more" / "deepest.png")
    (apple / "session" / "list.csv").write_text("a,b")
    _save(folder / "train" / "beside.png")
    (folder / "train" / ".cache").mkdir()
    split = open_split(folder, "train")
    assert split.size == 2
    assert split.left_out == {
        ".cr2": 2,
        ".txt": 1,
        ".csv": 1,
        "without a suffix": 1,
        "hidden": 2,
        "in a folder below their class": 2,
        "beside the class folders": 1,
    }
    assert split.summary().startswith("train: 2 images; left out: ")
    tried(
        "files",
        "raw files of a camera, text, hidden files and images a folder deeper",
        split.summary(),
    )


def test_heic_is_counted_where_its_package_is_missing(folder, monkeypatch, tried):
    monkeypatch.setattr(listing, "suffixes", lambda: frozenset([".png"]))
    for name in ("a.heic", "b.HEIC"):
        (folder / "train" / "apple" / name).write_bytes(b"x")
    split = open_split(folder, "train")
    assert split.left_out == {".heic (read once pillow-heif is installed)": 2}
    tried("files", "HEIC without pillow-heif", split.summary())


def test_images_in_a_hidden_folder_are_counted_one_by_one(folder):
    for number in range(3):
        _save(folder / "train" / ".old" / f"{number}.png")
    assert open_split(folder, "train").left_out == {"hidden": 3}


@pytest.mark.parametrize(
    "suffix", ["tif", "tiff", "gif", "avif", "jfif", "jpe", "jp2", "ppm", "PNG"]
)
def test_what_pillow_reads_is_read(folder, suffix, tried):
    path = folder / "train" / "apple" / f"1.{suffix}"
    Image.new("RGB", (20, 20), (200, 0, 0)).save(path)
    split = open_split(folder, "train")
    assert (split.size, split.left_out) == (3, {})
    images, _ = load_images(split, 8)
    assert images[1, 4, 4].tolist() == pytest.approx([200, 0, 0], abs=3)
    tried("images", f"an image named x.{suffix}", "decoded")


def test_a_class_whose_disk_is_not_mounted_is_named(folder, tried):
    (folder / "train" / "cherry").symlink_to(folder / "unmounted")
    with pytest.raises(ValueError, match=r"lead nowhere.*Received: .*train/cherry$") as error:
        open_split(folder, "train")
    tried("files", "a class folder that is a link to nothing", error.value)


def test_a_class_with_images_in_folders_below_alone_is_refused(folder, tried):
    _save(folder / "train" / "cherry" / "monday" / "0.png")
    with pytest.raises(ValueError, match=r"holds 1 in a folder below their class$") as error:
        open_split(folder, "train")
    tried("files", "a class whose images all lie a folder deeper", error.value)


def test_a_class_of_broken_images_alone_does_not_become_an_empty_class(folder, tried):
    (folder / "train" / "apple" / "0.png").write_text("text")
    with pytest.raises(ValueError, match=r"classes have none.*with apple$") as error:
        open_split(folder, "train", skip_broken=True)
    tried("images", "a class of broken images alone, with --skip_broken", error.value)
    assert open_split(folder, "train", ("apple", "pear"), skip_broken=True).size == 1


class TestNames:
    def test_names_that_are_not_utf8(self, folder, tried):
        name = b"r\xe9sum\xe9.png"
        shutil.copy(
            folder / "train" / "pear" / "0.png", folder / "train" / "pear" / os.fsdecode(name)
        )
        os.mkdir(os.fsencode(folder / "train") + b"/caf\xe9")
        path = os.fsencode(folder / "train") + b"/caf\xe9/\xff.png"
        shutil.copy(folder / "train" / "pear" / "0.png", os.fsdecode(path))
        split = open_split(folder, "train")
        assert split.class_names == ("apple", "caf\\udce9", "pear")
        json.dumps([split.names, split.class_names], ensure_ascii=False).encode()
        assert split.names[-1].endswith("pear/r\\udce9sum\\udce9.png")
        assert len(load_images(split, 8)[0]) == 4
        assert split.read(1) == split.read(2)
        tried("names", "images and classes whose names are not UTF-8", split.names[-1])

    def test_a_broken_one_is_named(self, folder):
        with open(os.fsencode(folder / "train" / "pear") + b"/\xff.png", "wb"):
            pass
        with pytest.raises(ValueError, match=r"Received: broken: .*/\\udcff\.png$") as error:
            open_split(folder, "train")
        str(error.value).encode()

    def test_classes_that_macos_decomposed_are_the_models(self, folder, tried):
        _save(folder / "train" / NFD / "0.png")
        names = ("apple", NFC, "pear")
        assert open_split(folder, "train", names).labels.tolist() == [0, 1, 2]
        split = open_split(folder, "train")
        assert split.class_names == names
        (folder / "train" / NFD).rename(folder / "train" / NFC)
        assert open_split(folder, "train", ("apple", NFD, "pear")).labels.tolist() == [0, 1, 2]
        tried("names", "a class decomposed (NFD) for a model that has it composed", "one class")

    def test_two_folders_that_look_equal_are_refused(self, folder, tried):
        for name in (NFC, NFD):
            _save(folder / "train" / name / "0.png")
        with pytest.raises(ValueError, match=rf"look equal.*NFD.*train, {NFC}$") as error:
            open_split(folder, "train")
        tried("names", "two class folders that look equal (NFC and NFD)", error.value)

    def test_rows_of_labels_find_their_files(self, tmp_path):
        _save(tmp_path / "data" / "train" / f"{NFD}.png")
        table = tmp_path / "data" / "train" / "labels.csv"
        table.write_text(f"file,labels\n{NFC}.png,{NFD}\n", encoding="utf-8")
        split = open_split(tmp_path / "data", "train")
        assert (split.size, split.class_names) == (1, (NFC,))
        _save(tmp_path / "data" / "train" / f"{NFC}.png")
        with pytest.raises(ValueError, match=r"names look equal"):
            open_split(tmp_path / "data", "train")
