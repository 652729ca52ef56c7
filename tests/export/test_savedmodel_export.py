"""SavedModel: run by TensorFlow's own loader, from float images and from files as they are."""

import dataclasses
import io
import math

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from scipy.special import expit, softmax

from keras_crosspool.data.images import decode_image
from keras_crosspool.exporting.artefact import read_artefact
from keras_crosspool.exporting.parity import Comparator, ParityError
from keras_crosspool.exporting.runners import SavedModelRunner, open_runner
from keras_crosspool.exporting.savedmodel import image_reader
from keras_crosspool.exporting.savedmodel.exporter import export_savedmodel

_BY_ANOTHER_WAY = 2e-5  # the sums of one float32 network in two orders


@pytest.fixture(scope="module")
def files(grocery):
    """Real photographs of all classes as bytes."""
    paths = sorted((grocery / "test").glob("*/*.jpg"))[::8]
    return [path.read_bytes() for path in paths]


@pytest.fixture(scope="module")
def made(tmp_path_factory, small_source, small_comparator):
    """A SavedModel and its record."""
    path = tmp_path_factory.mktemp("savedmodel") / "model.savedmodel"
    return path, export_savedmodel(small_source, path, "float32", small_comparator)


@pytest.fixture(scope="module")
def loaded(made):
    return tf.saved_model.load(str(made[0]))


@pytest.fixture(scope="module")
def expected(small_source, files):
    """What Keras says of the files, read by the package: logits."""
    size = small_source.metadata.image_size
    pixels = np.stack([decode_image(file, size) for file in files]).astype("float32")
    return small_source.model.predict(pixels, verbose=0)


def test_the_folder_is_proven(made, metadata, small_source):
    path, record = made
    assert read_artefact(path).sha256 == record.sha256
    assert record.parity["status"] == "passed"
    assert record.parity["batch_sizes"] == (1, 16)
    assert record.parity["float16_arithmetic"] is None
    assert record.inputs[0]["shape"] == [None, 128, 128, 3]
    assert record.outputs[0] == {
        "name": "probabilities",
        "shape": [None, 16],
        "dtype": "float32",
        "range": None,
    }
    assert record.operators["Conv2D"] == 3  # body, deep and the windows
    assert record.operators["Softmax"] == 1
    assert record.details["probabilities"]["max_abs"] < 1e-6
    assert record.details["reads_files"]["max_abs"] == 0
    variables = tf.train.list_variables(path / "variables" / "variables")
    stored = sum(math.prod(shape) for name, shape in variables if "OBJECT_GRAPH" not in name)
    assert stored == small_source.model.count_params()
    lines = (path / "assets" / "labels.txt").read_text().splitlines()
    assert tuple(lines) == metadata.class_names


def test_float_images_give_probabilities(loaded, files, expected):
    pixels = np.stack([decode_image(file, 128) for file in files]).astype("float32")
    found = loaded.signatures["serving_default"](image=tf.constant(pixels))
    np.testing.assert_allclose(
        found["probabilities"], softmax(expected, axis=1), atol=_BY_ANOTHER_WAY
    )
    logits = loaded.signatures["logits"](image=tf.constant(pixels))["logits"]
    np.testing.assert_allclose(logits, expected, atol=_BY_ANOTHER_WAY)


def test_files_give_class_names_and_scores(loaded, metadata, files, expected):
    found = loaded.signatures["serve_bytes"](image_bytes=tf.constant(files))
    order = np.argsort(-expected, axis=1, kind="stable")
    names = np.asarray(metadata.class_names)[order]
    assert [[name.decode() for name in row] for row in found["classes"].numpy()] == names.tolist()
    ranked = np.take_along_axis(softmax(expected, axis=1), order, axis=1)
    np.testing.assert_allclose(found["scores"], ranked, atol=_BY_ANOTHER_WAY)


@pytest.mark.parametrize("size", [48, 77, 128, 320])
def test_files_are_read_as_by_the_evaluation(files, size):
    """Bit for bit, whether they shrink, grow or are decoded at a smaller scale."""
    found = image_reader.read_images(tf.constant(files), size).numpy()
    np.testing.assert_array_equal(found, [decode_image(file, size) for file in files])


def _encoded(mode, kind, seed=0):
    values = np.random.default_rng(seed).integers(0, 256, (90, 200, 4), "uint8")
    image = Image.fromarray(values, "RGBA" if mode == "RGBA" else None).convert(mode)
    file = io.BytesIO()
    image.save(file, kind)
    return file.getvalue()


@pytest.mark.parametrize(
    ("mode", "kind", "most"),
    [("RGB", "PNG", 0), ("L", "PNG", 0), ("P", "PNG", 0), ("L", "JPEG", 0), ("RGBA", "PNG", 1)],
)
def test_other_kinds_of_files(mode, kind, most):
    file = _encoded(mode, kind)
    found = image_reader.read_images(tf.constant([file]), 64).numpy()[0]
    assert np.abs(found - decode_image(file, 64)).max() <= most


def test_a_file_that_is_no_image_is_refused(loaded):
    with pytest.raises(tf.errors.InvalidArgumentError):
        loaded.signatures["serve_bytes"](image_bytes=tf.constant([b"no image"]))


def test_a_reader_that_differs_is_refused(small_source, small_comparator, empty_after, monkeypatch):
    read = image_reader.read_images
    monkeypatch.setattr(image_reader, "read_images", lambda *inputs: read(*inputs) + 2)
    with empty_after() as directory, pytest.raises(ParityError, match="differ by 2 of 255"):
        export_savedmodel(small_source, directory / "x.savedmodel", "float32", small_comparator)


def test_logits_come_out_when_asked_for(small_source, small_comparator, tmp_path, files, expected):
    path = tmp_path / "x.savedmodel"
    record = export_savedmodel(small_source, path, "float32", small_comparator, scores="logits")
    assert record.outputs[0]["name"] == "logits"
    assert set(record.details["signatures"]) == {"serving_default", "serve_bytes"}
    with open_runner(path) as runner:
        assert not runner.gives_probabilities
        np.testing.assert_allclose(
            runner.run(small_comparator.images.pixels),
            small_comparator.reference,
            atol=_BY_ANOTHER_WAY,
        )
    scores = tf.saved_model.load(str(path)).signatures["serve_bytes"](
        image_bytes=tf.constant(files)
    )["scores"]
    np.testing.assert_allclose(scores, -np.sort(-expected, axis=1), atol=_BY_ANOTHER_WAY)


def test_several_labels_give_sigmoids(small_source, tmp_path, expected, files):
    known = dataclasses.replace(
        small_source.metadata, task="multi_label", thresholds=tuple([0.5] * 16)
    )
    path = tmp_path / "x.savedmodel"
    export_savedmodel(dataclasses.replace(small_source, metadata=known), path)
    found = tf.saved_model.load(str(path)).signatures["serve_bytes"](image_bytes=tf.constant(files))
    np.testing.assert_allclose(
        found["scores"], -np.sort(-expit(expected), axis=1), atol=_BY_ANOTHER_WAY
    )


def test_an_embedder_gives_descriptors(small_source, small_comparator, tmp_path, files):
    embedder, path = small_source.embedder(), tmp_path / "x.savedmodel"
    comparator = Comparator.of(embedder, small_comparator.images)
    record = export_savedmodel(embedder, path, "float32", comparator)
    assert record.parity["metric"] == "nearest_neighbour_accuracy"
    assert not (path / "assets" / "labels.txt").exists()
    loaded = tf.saved_model.load(str(path))
    found = loaded.signatures["serve_bytes"](image_bytes=tf.constant(files[:3]))["descriptor"]
    pixels = np.stack([decode_image(file, 128) for file in files[:3]]).astype("float32")
    np.testing.assert_allclose(
        found, embedder.model.predict(pixels, verbose=0), atol=_BY_ANOTHER_WAY
    )


@pytest.mark.parametrize("signature", ["serving_default", "no_such"])
def test_junk_is_refused(made, tmp_path, signature):
    path = made[0] if signature == "no_such" else tmp_path / "junk.savedmodel"
    path.mkdir(exist_ok=True)
    with (
        pytest.raises(ValueError, match=f"cannot load the signature {signature}.*Received"),
        SavedModelRunner(path, signature),
    ):
        pass
