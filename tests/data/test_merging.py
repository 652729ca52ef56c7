"""Several splits as one: each image, label and group is that of its own split."""

import numpy as np
import pytest

from keras_crosspool.data import load_images, open_split
from keras_crosspool.data.folder import folder_classes, folder_splits
from keras_crosspool.data.merging import merged


@pytest.fixture(scope="module")
def splits(tiny_folder):
    return [open_split(tiny_folder, name) for name in ("train", "test")]


def test_images_labels_and_names_follow_one_another(splits):
    together = merged(splits)
    expected = [load_images(split, 16) for split in splits]
    images, labels = load_images(together, 16)
    assert (images == np.concatenate([pixels for pixels, _ in expected])).all()
    assert labels.tolist() == [*expected[0][1], *expected[1][1]]
    assert together.names == splits[0].names + splits[1].names
    assert (together.name, together.size) == ("train+test", 30)
    assert together.fingerprint not in {split.fingerprint for split in splits}


def test_groups_of_two_splits_are_not_the_same(splits):
    import dataclasses

    first = dataclasses.replace(splits[0], groups=(0,) * 9 + (1,) * 9, grouped_by="labels.csv")
    second = dataclasses.replace(splits[1], groups=(0,) * 12, grouped_by="labels.csv")
    assert merged([first, second]).groups == (0,) * 9 + (1,) * 9 + (2,) * 12
    mixed = merged([splits[1], first])
    assert mixed.groups == (*range(12), *(12,) * 9, *(13,) * 9)
    assert mixed.grouped_by == "labels.csv"
    assert merged(splits).groups == ()


def test_a_subset_in_any_order(splits):
    indices = [25, 3, 18]
    found = merged(splits).chosen(indices, "some")
    images, labels = load_images(merged(splits), 16)
    assert (load_images(found, 16)[0] == images[indices]).all()
    assert found.labels.tolist() == labels[indices].tolist()
    digests = [digest for split in splits for digest in split.digests]
    assert found.digests == tuple(digests[index] for index in indices)


def test_splits_and_classes_of_a_folder(tiny_folder, tmp_path, copy_images):
    assert folder_splits(tiny_folder) == ("test", "train")
    assert folder_classes(tiny_folder, "train") == ("Anjou", "Arla-Standard-Milk", "Orange")
    folder = copy_images(tmp_path / "other", {"train": 1})
    (folder / "notes" / "empty").mkdir(parents=True)
    (folder / ".hidden" / "a").mkdir(parents=True)
    assert folder_splits(folder) == ("train",)


def test_a_folder_without_splits(tmp_path):
    with pytest.raises(ValueError, match="holds no images"):
        folder_splits(tmp_path)
    with pytest.raises(ValueError, match="no such folder of images"):
        folder_splits(tmp_path / "nowhere")
