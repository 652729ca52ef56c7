"""Shared by the retrieval tests: a small model, and a way to put descriptors into a folder."""

import keras
import numpy as np
import pytest

from keras_crosspool.models.directory import save_model
from keras_crosspool.models.metadata import ModelMetadata
from keras_crosspool.models.training_scores import TrainingScores
from keras_crosspool.retrieval import FORMATS, extract, open_descriptors
from keras_crosspool.retrieval.record import ExtractionRecord
from keras_crosspool.retrieval.store import (
    INDEX_FILE,
    RECORD_FILE,
    shard_path,
    write_index,
)
from tests.small_models import flat_classifier

SIZE = 32  # pixels


def _save_small_model(directory, data, seed=0):
    """A model directory whose descriptor is a map of 6 x 6 cells, 32 values each."""
    keras.utils.set_random_seed(seed)
    image = keras.Input((SIZE, SIZE, 3))
    x = keras.layers.Rescaling(1 / 127.5, -1.0)(image)
    x = keras.layers.Conv2D(32, 7, strides=5)(x)
    metadata = ModelMetadata(
        name=f"small-{seed}",
        class_names=("Anjou", "Arla-Standard-Milk", "Orange"),
        image_size=SIZE,
        arguments={},
        data={"path": str(data), "train_split": "train", "val_split": None, "fingerprint": ""},
        versions={},
        scores=TrainingScores(),
    )
    save_model(directory, flat_classifier(image, x, metadata.class_names), metadata)
    return directory


@pytest.fixture(scope="session")
def save_small_model():
    """A function of a directory, the path of the data and a seed that saves a small model."""
    return _save_small_model


@pytest.fixture(scope="session")
def small_model(tmp_path_factory, tiny_folder):
    """A model directory that loads at once. Do not change it."""
    return _save_small_model(tmp_path_factory.mktemp("small") / "model", tiny_folder)


@pytest.fixture(scope="session")
def extraction_arguments(small_model):
    """Arguments of `extract`, but for the output: 18 images, the last of five shards not full."""
    return {
        "model": small_model,
        "data": None,
        "split": "train",
        "format": "packed",
        "batch_size": 2,
        "shard_size": 4,
        "skip_broken": False,
    }


@pytest.fixture(scope="session")
def whole_extraction(extraction_arguments, tmp_path_factory):
    """The folder of an extraction by one process in one go. Do not change it."""
    output = tmp_path_factory.mktemp("whole") / "descriptors"
    extract(output=output, **extraction_arguments)
    return output


@pytest.fixture
def store_of(tmp_path):
    """A function that keeps descriptors in a folder and opens it."""

    def keep(descriptors, format, classes, shard_size=4):
        directory = tmp_path / format
        directory.mkdir()
        record = ExtractionRecord(
            model="made up", model_fingerprint="1" * 64, image_size=SIZE, data="photos",
            split="train", data_fingerprint="2" * 64, skip_broken=False,
            images=len(descriptors), format=format, dims=descriptors.shape[1], batch_size=1,
            shard_size=shard_size, versions={},
        )  # fmt: skip
        (directory / RECORD_FILE).write_text(record.to_json())
        named = [(f"photos/{i}.jpg", names) for i, names in enumerate(classes)]
        write_index(directory / INDEX_FILE, named, shard_size)
        for number, start in enumerate(range(0, len(descriptors), shard_size)):
            rows = FORMATS[format].encode(descriptors[start : start + shard_size])
            np.save(shard_path(directory, number), rows)
        return open_descriptors(directory)

    return keep
