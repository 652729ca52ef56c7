"""Images for parity and calibration: what cannot be used is left out and said."""

import dataclasses
import os

import pytest

from keras_crosspool.exporting.images import read_images
from keras_crosspool.models.metadata import ModelMetadata
from keras_crosspool.models.training_scores import TrainingScores


def test_broken_images_are_left_out_and_recorded(copy_images, tmp_path):
    folder = copy_images(tmp_path / "data", {"train": 3})
    path = sorted((folder / "train" / "Orange").iterdir())[1]
    path.unlink()
    os.mkfifo(path)
    data = {"path": str(folder), "train_split": "train", "val_split": None}
    names = ("Anjou", "Arla-Standard-Milk", "Orange")
    metadata = ModelMetadata("small", names, 32, {}, data, {}, TrainingScores())
    with pytest.raises(ValueError, match=rf"`skip_broken`.*not a regular file: {path}$"):
        read_images(metadata, "parity")
    images = read_images(metadata, "parity", image_options={"skip_broken": True})
    assert images.labels.tolist() == [0, 0, 0, 1, 1, 1, 2, 2]
    record = images.to_dict()
    assert (record["images"], record["left_out"]) == (8, {"not a regular file": 1})
    with pytest.raises(ValueError, match=r"9 of 9 .*`skip_broken`.*too large"):
        read_images(metadata, "parity", image_options={"max_megapixels": 0.001})
    assert dataclasses.replace(images, left_out={}).sha256 == images.sha256
