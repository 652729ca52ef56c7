"""A small model directory with its artefacts, made once."""

import hashlib
import json

import pytest

IMAGE_SIZE = 48


@pytest.fixture(scope="session")
def workshop(tmp_path_factory, grocery):
    """Folder with `model/`, `model.tflite` and `model.onnx`, unproven."""
    from keras_crosspool.exporting.onnx.exporter import export_onnx
    from keras_crosspool.exporting.source import load_source
    from keras_crosspool.exporting.tflite.exporter import export_tflite

    folder = tmp_path_factory.mktemp("workshop")
    _save_small_model(folder / "model", grocery)
    source = load_source(folder / "model")
    export_tflite(source, folder / "model.tflite")
    export_onnx(source, folder / "model.onnx")
    return folder


@pytest.fixture
def junk(workshop, tmp_path):
    """Path of a file that is no model, with a record that fits it."""
    path = tmp_path / "junk.tflite"
    path.write_bytes(b"no model at all" * 100)
    record = json.loads((workshop / "model.tflite.json").read_text())
    record |= {"file": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    (tmp_path / "junk.tflite.json").write_text(json.dumps(record))
    return path


def _save_small_model(directory, data):
    import keras

    from keras_crosspool.data import open_split
    from keras_crosspool.models.directory import save_model
    from keras_crosspool.models.metadata import ModelMetadata
    from keras_crosspool.models.training_scores import TrainingScores
    from tests.small_models import flat_classifier

    keras.utils.set_random_seed(0)
    class_names = open_split(data, "test").class_names
    image = keras.Input((IMAGE_SIZE, IMAGE_SIZE, 3), name="image")
    x = keras.layers.Rescaling(1 / 127.5, -1.0)(image)
    x = keras.layers.Conv2D(8, 3, strides=2, activation="relu")(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    metadata = ModelMetadata(
        name="small",
        class_names=tuple(class_names),
        image_size=IMAGE_SIZE,
        arguments={},
        data={
            "path": str(data),
            "train_split": "train",
            "val_split": "test",
            "fingerprint": "",
        },
        versions={},
        scores=TrainingScores(),
    )
    save_model(directory, flat_classifier(image, x, class_names), metadata)
