"""Two real models to export: EfficientNet-Lite0 solved on photographs, and a quick small one."""

import contextlib
import dataclasses

import keras
import numpy as np
import pytest

from keras_crosspool.backbones import create_backbone
from keras_crosspool.data import load_images, open_split
from keras_crosspool.exporting import formats, speed
from keras_crosspool.exporting.images import read_images
from keras_crosspool.exporting.parity import Comparator
from keras_crosspool.exporting.source import load_source, make_source
from keras_crosspool.layers import CrossLayerPooling, LocalRegions
from keras_crosspool.models.directory import save_model
from keras_crosspool.models.limited_dense import LimitedDense
from keras_crosspool.models.metadata import ModelMetadata
from keras_crosspool.models.training_scores import TrainingScores
from keras_crosspool.models.zoo import build_model
from tests.small_models import flat_classifier

SIZE = 128
_RIDGE = 1e-2


@pytest.hookimpl(tryfirst=True)  # before pytest picks the tests by their markers
def pytest_collection_modifyitems(items):
    """What exports the real network is heavy; the small one goes through the same gates."""
    for item in items:
        if "solved_directory" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.heavy)


@pytest.fixture(scope="session", autouse=True)
def fast_int8():
    """Every int8 file is faster than float32: tests must not depend on what else runs here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(speed, "compare_speed", lambda *_: speed.Speed(1.0, 2.0, 3))
        yield


@pytest.fixture(scope="session")
def metadata(grocery):
    split = open_split(str(grocery), "train")
    data = {"path": str(grocery), "train_split": "train", "val_split": "test", "fingerprint": "-"}
    return ModelMetadata("solved", split.class_names, SIZE, {}, data, {}, TrainingScores())


@pytest.fixture(scope="session")
def training_images(grocery):
    return load_images(open_split(str(grocery), "train"), SIZE)


@pytest.fixture(scope="session")
def solved_directory(tmp_path_factory, metadata, training_images):
    """A model directory: EfficientNet-Lite0 at 128 px, solved on the 320 training photographs."""
    directory = tmp_path_factory.mktemp("solved") / "model"
    model = build_model(
        create_backbone("EfficientNetLite0", SIZE),
        num_classes=16,
        feature_channels=256,
        guidance_channels=256,
    )
    _adapt_regions(model, training_images[0])
    _solve(model, *training_images)
    save_model(directory, model, metadata)
    return directory


@pytest.fixture(scope="session")
def source(solved_directory):
    return load_source(solved_directory)


@pytest.fixture(scope="session")
def comparator(source):
    return Comparator(read_images(source.metadata, "parity", limit=48), source.model)


@pytest.fixture(scope="session")
def small_source(metadata, training_images):
    """A network of two layers that converts in a second, with the same head, solved likewise."""
    keras.utils.set_random_seed(0)
    image = keras.Input((SIZE, SIZE, 3), name="image")
    x = keras.layers.Rescaling(1 / 128, offset=-1)(image)
    features = keras.layers.Conv2D(16, 8, strides=8, activation="relu6", name="body")(x)
    guidance = keras.layers.Conv2D(8, 1, activation="relu6", name="deep")(features)
    regions = LocalRegions(8, 3, name="regions")
    cropped = regions.crop(guidance)
    descriptor = CrossLayerPooling(name="pooling")([regions(features), cropped])
    model = keras.Model(image, LimitedDense(16, name="logits")(descriptor), name="small")
    _solve(model, *training_images)
    return make_source(model, metadata)


@pytest.fixture(scope="session")
def small_directory(tmp_path_factory, metadata):
    """A model directory that loads and exports in a second; its classifier is not trained."""
    keras.utils.set_random_seed(0)
    image = keras.Input((SIZE, SIZE, 3), name="image")
    x = keras.layers.Rescaling(1 / 127.5, -1.0)(image)
    x = keras.layers.Conv2D(8, 8, strides=8, activation="relu")(x)
    directory = tmp_path_factory.mktemp("small") / "model"
    save_model(directory, flat_classifier(image, x, metadata.class_names), metadata)
    return directory


@pytest.fixture(scope="session")
def small_comparator(small_source):
    return Comparator(read_images(small_source.metadata, "parity", limit=32), small_source.model)


@pytest.fixture
def damaged():
    """A function that gives a source whose named layer's kernel a function has changed."""

    def damage(source, layer_name, change):
        model = keras.models.clone_model(source.model)
        model.set_weights(source.model.get_weights())
        layer = model.get_layer(layer_name)
        kernel, *rest = layer.get_weights()
        layer.set_weights([change(kernel), *rest])
        return dataclasses.replace(source, model=model, original=model)

    return damage


@pytest.fixture(scope="session")
def exported(tmp_path_factory, source, comparator):
    """A function that exports the solved model, each case once: its path and its record."""
    directory, made = tmp_path_factory.mktemp("exported"), {}

    def export(name, precision, suffix, **options):
        key = (name, precision, *options.items())
        if key not in made:
            path = directory / f"{len(made)}{suffix}"
            exporter = formats.resolve(formats.get_format(name).exporter)
            record = exporter(source, path, precision, comparator, **options)
            made[key] = (path, record)
        return made[key]

    return export


@pytest.fixture
def empty_after(tmp_path):
    """A context that checks that nothing is left in the temporary directory at its end."""

    @contextlib.contextmanager
    def check():
        yield tmp_path
        assert list(tmp_path.iterdir()) == []

    return check


def _adapt_regions(model, images):
    regions = model.get_layer("regions")
    maps = keras.Model(model.inputs, regions.input).predict(images.astype("float32"), verbose=0)
    regions.adapt([maps])


def _solve(model, images, labels):
    """Ridge regression on the descriptors, in NumPy, written into the classifier."""
    descriptor = keras.Model(model.inputs, model.get_layer("logits").input)
    x = descriptor.predict(images.astype("float32"), verbose=0)
    y = np.where(labels[:, None] == np.arange(16), 1.0, -1.0)
    centred = x - x.mean(0)
    gram = centred @ centred.T + _RIDGE * np.eye(len(x))
    kernel = centred.T @ np.linalg.solve(gram, y - y.mean(0))
    model.get_layer("logits").assign(kernel, y.mean(0) - x.mean(0) @ kernel, 0.05)
