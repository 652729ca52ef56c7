"""From a split to pixels: the same ones for every reader, evenly drawn."""

import itertools
import os
import pathlib
import shutil
from unittest import mock

import numpy as np
import pytest

from keras_crosspool.data import load_pictures, open_split, picture_batches, read_picture
from keras_crosspool.data.parallel import ordered_map
from keras_crosspool.data.pipeline import pictures_at


@pytest.fixture(scope="module")
def split(tiny_folder):
    return open_split(tiny_folder, "train")


@pytest.fixture(scope="module")
def expected(tiny_folder):
    """The pictures read one by one, and their labels, in sorted order."""
    folders = sorted((tiny_folder / "train").iterdir())
    paths = [(path, i) for i, folder in enumerate(folders) for path in sorted(folder.iterdir())]
    return np.stack([read_picture(p, 32) for p, _ in paths]), np.array([i for _, i in paths])


@pytest.mark.parametrize("batch_size", [1, 7, 18, 100])
def test_batches_hold_every_picture_once_in_order(split, expected, batch_size):
    batches = list(picture_batches(split, 32, batch_size))
    assert len(batches) == -(-18 // batch_size)
    assert {tuple(pictures.shape[1:]) for pictures, _ in batches} == {(32, 32, 3)}
    assert batches[0][0].dtype == "uint8"
    assert batches[0][1].dtype == "int32"
    np.testing.assert_array_equal(np.concatenate([p for p, _ in batches]), expected[0])
    np.testing.assert_array_equal(np.concatenate([y for _, y in batches]), expected[1])


def test_batches_know_their_number(split):
    assert len(picture_batches(split, 32, 4)) == 5


def test_load_pictures_reads_all(split, expected):
    for limit in (None, 18, 1000):
        pictures, labels = load_pictures(split, 32, limit)
        np.testing.assert_array_equal(pictures, expected[0])
        np.testing.assert_array_equal(labels, expected[1])
        assert (pictures.dtype, labels.dtype) == ("uint8", "int32")


@pytest.mark.parametrize(("limit", "shares"), [(3, [1, 1, 1]), (12, [4, 4, 4]), (7, [2, 2, 3])])
def test_load_pictures_draws_evenly_over_classes(split, expected, limit, shares):
    pictures, labels = load_pictures(split, 32, limit)
    assert sorted(np.bincount(labels).tolist()) == shares
    assert (np.diff(labels) >= 0).all()
    # They are pictures of the split with their own labels, none twice.
    found = [int(np.flatnonzero((expected[0] == p).all(axis=(1, 2, 3)))[0]) for p in pictures]
    assert len(set(found)) == limit
    np.testing.assert_array_equal(expected[1][found], labels)


def test_load_pictures_is_seeded(split):
    first, second, other = (load_pictures(split, 32, 6, seed)[0] for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, other)


def test_pictures_at(split, expected):
    pictures = pictures_at(split, np.array([17, 2]), 32)
    assert sorted(pictures) == [2, 17]
    for index, picture in pictures.items():
        np.testing.assert_array_equal(picture, expected[0][index])


def test_a_picture_that_changes_after_the_check_is_named(tiny_folder, tmp_path):
    shutil.copytree(tiny_folder, tmp_path / "data")
    split = open_split(tmp_path / "data", "train")
    path = pathlib.Path(split.names[7])
    path.write_text("text")
    with pytest.raises(ValueError, match=rf"cannot be decoded.*Received: {path}$"):
        list(picture_batches(split, 32))
    path.unlink()
    with pytest.raises(ValueError, match=rf"cannot be read.*Received: {path}$"):
        list(picture_batches(split, 32))


def test_no_more_is_decoded_than_is_asked_for():
    function = mock.Mock(side_effect=lambda x: x)
    found = ordered_map(function, itertools.count())
    assert [next(found) for _ in range(3)] == [0, 1, 2]
    found.close()
    assert function.call_count <= 3 + 2 * os.cpu_count() + 1
