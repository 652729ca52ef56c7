"""Decoded images in memory, on disk or decoded each time: the same ones, where there is room."""

import dataclasses

import numpy as np
import pytest

from keras_crosspool.data import cache as image_cache
from keras_crosspool.data import load_images
from keras_crosspool.data.array_images import ArrayImages
from keras_crosspool.data.cache import open_images
from keras_crosspool.data.split import Split

SIZE = 18 * 32 * 32 * 3  # bytes of the tiny training split


@pytest.fixture(scope="module")
def expected(train_split):
    return load_images(train_split, 32)[0]


def _never(*_):
    raise AssertionError("an image was decoded")


def _room(monkeypatch, memory, disk):
    monkeypatch.setattr(image_cache, "available_memory", lambda: memory)
    monkeypatch.setattr(image_cache, "free_disk", lambda path: disk)


@pytest.mark.parametrize("cache", ["auto", "memory", "disk", "none"])
def test_every_cache_gives_the_same_images(train_split, expected, tmp_path, cache):
    images = open_images(train_split, 32, cache, tmp_path)
    for index in (17, 0, 5):
        np.testing.assert_array_equal(images(index), expected[index])
        assert images(index).dtype == np.uint8
    assert len(list(tmp_path.iterdir())) == (cache == "disk")


def test_memory_is_filled_once(train_split, expected, tmp_path, monkeypatch):
    images = open_images(train_split, 32, "memory", tmp_path)
    monkeypatch.setattr(image_cache, "_decode", _never)
    monkeypatch.setattr(Split, "batches", _never)
    np.testing.assert_array_equal(images(3), expected[3])


def test_a_file_serves_again(train_split, expected, tmp_path, monkeypatch):
    open_images(train_split, 32, "disk", tmp_path)
    monkeypatch.setattr(Split, "batches", _never)
    images = open_images(train_split, 32, "disk", tmp_path)
    assert isinstance(images(0).base, np.memmap)
    np.testing.assert_array_equal(images(3), expected[3])
    # Another size, or other images, are another file.
    other = dataclasses.replace(train_split, fingerprint="0" * 64)
    for split, size in ((train_split, 31), (other, 32)):
        with pytest.raises(AssertionError, match="was decoded"):
            open_images(split, size, "disk", tmp_path)


def test_a_file_that_is_there_needs_no_room(train_split, expected, tmp_path, monkeypatch):
    """Else a run that filled half of the disk could not be taken up."""
    open_images(train_split, 32, "disk", tmp_path)
    _room(monkeypatch, 0, 0)
    images = open_images(train_split, 32, "disk", tmp_path)
    np.testing.assert_array_equal(images(3), expected[3])


def test_a_file_is_whole_or_not_there(train_split, tmp_path, monkeypatch):
    def breaking(split, size):
        yield np.zeros((4, 32, 32, 3), "uint8"), None
        raise OSError("the disk is gone")

    monkeypatch.setattr(Split, "batches", breaking)
    monkeypatch.setattr(image_cache, "track", lambda batches, _: batches)
    with pytest.raises(OSError, match="the disk is gone"):
        open_images(train_split, 32, "disk", tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("memory", "disk", "kind"),
    [
        (4 * SIZE, 2 * SIZE, "memory"),
        (4 * SIZE - 4, 2 * SIZE, "disk"),
        (4 * SIZE - 4, 2 * SIZE - 2, "none"),
    ],
)
def test_auto_takes_the_first_that_has_room(train_split, tmp_path, monkeypatch, memory, disk, kind):
    _room(monkeypatch, memory, disk)
    openers = {kind: lambda *_, kind=kind: kind for kind in ("memory", "disk", "none")}
    monkeypatch.setattr(image_cache, "_OPENERS", openers)
    assert open_images(train_split, 32, "auto", tmp_path) == kind


@pytest.mark.parametrize("cache", ["memory", "disk"])
def test_what_has_no_room_is_refused(train_split, tmp_path, monkeypatch, cache):
    _room(monkeypatch, 0, 0)
    with pytest.raises(
        ValueError, match=rf"no room .*`cache=none`.*cache='{cache}' for 18 .*train"
    ):
        open_images(train_split, 32, cache, tmp_path)


def test_images_that_are_read_in_order_need_room(train_split, tmp_path, monkeypatch):
    in_order = dataclasses.replace(train_split, read=None)
    with pytest.raises(ValueError, match=r"no room .*cache='none'"):
        open_images(in_order, 32, "none", tmp_path)
    open_images(in_order, 32, "memory", tmp_path)
    _room(monkeypatch, 0, 0)
    with pytest.raises(ValueError, match=r"no room .*cache='auto'"):
        open_images(in_order, 32, "auto", tmp_path)


@pytest.mark.parametrize("cache", ["memory", "disk"])
def test_images_of_an_array_are_rounded(tmp_path, cache):
    shown = np.random.default_rng(0).uniform(0, 255, (5, 8, 8, 3)).astype("float32")
    images = open_images(ArrayImages(shown, np.zeros(5, "int32"), ("a",)), 8, cache, tmp_path)
    for index in (4, 0):
        assert images(index).dtype == np.uint8
        np.testing.assert_allclose(images(index), shown[index], atol=0.5)


def test_an_unknown_cache_is_refused(train_split):
    with pytest.raises(ValueError, match=r"one of auto, memory, disk, none\. Received: 'ram'"):
        open_images(train_split, 32, "ram")
