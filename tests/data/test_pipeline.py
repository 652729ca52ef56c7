"""From a split to pixels: the same ones for every reader, evenly drawn."""

import itertools
import os
import pathlib
import shutil
from unittest import mock

import numpy as np
import pytest

from keras_crosspool.data import image_batches, load_images, open_split, read_image
from keras_crosspool.data.parallel import ordered_map
from keras_crosspool.data.pipeline import decoded_images_at


@pytest.fixture(scope="module")
def split(tiny_folder):
    return open_split(tiny_folder, "train")


@pytest.fixture(scope="module")
def expected(tiny_folder):
    """The images read one by one, and their labels, in sorted order."""
    folders = sorted((tiny_folder / "train").iterdir())
    paths = [(path, i) for i, folder in enumerate(folders) for path in sorted(folder.iterdir())]
    return np.stack([read_image(p, 32) for p, _ in paths]), np.array([i for _, i in paths])


@pytest.mark.parametrize("batch_size", [1, 7, 18, 100])
def test_batches_hold_every_image_once_in_order(split, expected, batch_size):
    batches = list(image_batches(split, 32, batch_size))
    assert len(batches) == -(-18 // batch_size)
    assert {tuple(images.shape[1:]) for images, _ in batches} == {(32, 32, 3)}
    assert batches[0][0].dtype == "uint8"
    assert batches[0][1].dtype == "int32"
    np.testing.assert_array_equal(np.concatenate([p for p, _ in batches]), expected[0])
    np.testing.assert_array_equal(np.concatenate([y for _, y in batches]), expected[1])


def test_batches_know_their_number(split):
    assert len(image_batches(split, 32, 4)) == 5


def test_load_images_reads_all(split, expected):
    for limit in (None, 18, 1000):
        images, labels = load_images(split, 32, limit)
        np.testing.assert_array_equal(images, expected[0])
        np.testing.assert_array_equal(labels, expected[1])
        assert (images.dtype, labels.dtype) == ("uint8", "int32")


@pytest.mark.parametrize(("limit", "shares"), [(3, [1, 1, 1]), (12, [4, 4, 4]), (7, [2, 2, 3])])
def test_load_images_draws_evenly_over_classes(split, expected, limit, shares):
    images, labels = load_images(split, 32, limit)
    assert sorted(np.bincount(labels).tolist()) == shares
    assert (np.diff(labels) >= 0).all()
    # They are images of the split with their own labels, none twice.
    found = [int(np.flatnonzero((expected[0] == p).all(axis=(1, 2, 3)))[0]) for p in images]
    assert len(set(found)) == limit
    np.testing.assert_array_equal(expected[1][found], labels)


def test_load_images_is_seeded(split):
    first, second, other = (load_images(split, 32, 6, seed)[0] for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, other)


def test_images_at(split, expected):
    images = decoded_images_at(split, np.array([17, 2]), 32)
    assert sorted(images) == [2, 17]
    for index, image in images.items():
        np.testing.assert_array_equal(image, expected[0][index])


def test_an_image_that_changes_after_the_check_is_named(tiny_folder, tmp_path):
    shutil.copytree(tiny_folder, tmp_path / "data")
    split = open_split(tmp_path / "data", "train")
    path = pathlib.Path(split.names[7])
    path.write_text("text")
    with pytest.raises(ValueError, match=rf"cannot be decoded.*Received: {path}$"):
        list(image_batches(split, 32))
    path.unlink()
    with pytest.raises(ValueError, match=rf"cannot be read.*Received: {path}$"):
        list(image_batches(split, 32))


def test_no_more_is_decoded_than_is_asked_for():
    function = mock.Mock(side_effect=lambda x: x)
    found = ordered_map(function, itertools.count())
    assert [next(found) for _ in range(3)] == [0, 1, 2]
    found.close()
    assert function.call_count <= 3 + 2 * os.cpu_count() + 1
