"""SavedModel: run by TensorFlow's own loader, from float images and from files as they are."""

import dataclasses
import io
import math

import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from PIL import Image
from scipy.special import expit, softmax
from tensorflow.core.framework import tensor_pb2

from keras_crosspool.data.images import decode_image
from keras_crosspool.exporting.artefact import read_artefact
from keras_crosspool.exporting.parity import Comparator, ParityError
from keras_crosspool.exporting.runners import SavedModelRunner, open_runner
from keras_crosspool.exporting.savedmodel import image_reader
from keras_crosspool.exporting.savedmodel.exporter import export_savedmodel
from keras_crosspool.exporting.savedmodel.orientation import read_orientation
from tests.turned_images import turned_images

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
    assert record.details["reads_files"]["orientation"].startswith("applied")
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


def _read(files, size):
    return tf.function(image_reader.read_images)(tf.constant(files), size).numpy()


@pytest.mark.parametrize("size", [48, 77, 128, 320])
def test_files_are_read_as_by_the_evaluation(files, size):
    """Bit for bit, whether they shrink, grow or are decoded at a smaller scale."""
    found = _read(files, size)
    np.testing.assert_array_equal(found, [decode_image(file, size) for file in files])


def _encoded(mode, kind, **options):
    values = np.random.default_rng(0).integers(0, 256, (90, 200, 4), "uint8")
    image = Image.fromarray(values, "RGBA" if mode == "RGBA" else None).convert(mode)
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


@pytest.mark.parametrize(
    ("mode", "kind", "most"),
    [("RGB", "PNG", 0), ("L", "PNG", 0), ("P", "PNG", 0), ("L", "JPEG", 0), ("RGBA", "PNG", 1)],
)
def test_other_kinds_of_files(mode, kind, most):
    file = _encoded(mode, kind)
    found = _read([file], 64)[0]
    assert np.abs(found - decode_image(file, 64)).max() <= most


def _exif(orientation, endian="<"):
    exif = Image.Exif()
    exif.endian = endian
    exif[271], exif[274] = "a camera's maker", orientation
    return exif.tobytes()


_traced = tf.function(read_orientation, input_signature=[tf.TensorSpec((), tf.string)])


def _orientation(file):
    return int(_traced(file))


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize("endian", ["<", ">"])
def test_files_are_turned_upright(kind, endian):
    """By the orientation of their EXIF; 0 and 9 are none."""
    files = [_encoded("RGB", kind, exif=_exif(k, endian)) for k in range(10)]
    found = _read(files, 64)
    np.testing.assert_array_equal(found, [decode_image(file, 64) for file in files])
    assert len({image.tobytes() for image in found[1:9]}) == 8
    np.testing.assert_array_equal(found[[0, 9]], found[[1, 1]])


def test_the_orientation_is_found_behind_other_segments():
    jpeg = _encoded("RGB", "JPEG", exif=_exif(6))
    comment, padding, junk = b"\xff\xfe\x00\x06\xff\xe1Ex", b"\xff\xff\xff", b"\x00\x07"
    for between in (comment, comment * 40, padding + comment, comment + junk):
        file = jpeg[:2] + between + jpeg[2:]
        assert Image.open(io.BytesIO(file)).getexif()[274] == 6
        assert _orientation(file) == 6
    png = _encoded("RGB", "PNG", exif=_exif(6))
    start = png.index(b"eXIf") - 4
    exif = png[start : start + 12 + int.from_bytes(png[start : start + 4])]
    behind = png.replace(exif, b"")[:-12] + exif + png[-12:]  # the image's end stays the last
    assert _orientation(behind) == 6


def test_an_orientation_counts_where_evaluate_counts_it(files):
    image = Image.open(io.BytesIO(files[0])).resize((113, 97))
    for (kind, where), file in turned_images(image).items():
        if kind in ("jpeg", "png"):
            expected = decode_image(file, 64)
            np.testing.assert_array_equal(_read([file], 64)[0], expected, f"{kind}, {where}")


def test_damaged_files_count_as_upright():
    for kind in ("JPEG", "PNG"):
        file = _encoded("RGB", kind, exif=_exif(6))
        start = file.index(b"II*")
        for length in range(1, start + 40, 3):
            assert _orientation(file[:length]) in (1, 6)
        assert _orientation(file[:start] + b"IX" + file[start + 2 :]) == 1
        assert _orientation(file[: start + 4] + b"\xff" * 4 + file[start + 8 :]) == 1
    assert _orientation(b"\xff\xd8\xff" + bytes(10**5)) == 1


def test_a_file_that_is_no_image_is_refused(loaded):
    with pytest.raises(tf.errors.InvalidArgumentError):
        loaded.signatures["serve_bytes"](image_bytes=tf.constant([b"no image"]))


def test_a_reader_that_differs_is_refused(small_source, small_comparator, empty_after, monkeypatch):
    read = image_reader.read_images
    monkeypatch.setattr(image_reader, "read_images", lambda *inputs: read(*inputs) + 2)
    with empty_after() as directory, pytest.raises(ParityError, match="differ by 2 of 255"):
        export_savedmodel(small_source, directory / "x.savedmodel", "float32", small_comparator)


def _serving_messages():
    """`PredictionLog` as TensorFlow Serving defines it, without what the requests do not use."""
    file = descriptor_pb2.FileDescriptorProto(
        name="serving.proto", syntax="proto3", dependency=["tensorflow/core/framework/tensor.proto"]
    )
    for message, fields in (
        ("ModelSpec", (("name", 1, ""), ("signature_name", 3, ""))),
        ("Entry", (("key", 1, ""), ("value", 2, ".tensorflow.TensorProto"))),
        ("PredictRequest", (("model_spec", 1, ".ModelSpec"), ("inputs", 2, ".Entry"))),
        ("PredictLog", (("request", 1, ".PredictRequest"),)),
        ("PredictionLog", (("predict_log", 6, ".PredictLog"),)),
    ):
        made = file.message_type.add(name=message)
        for name, number, kind in fields:
            field = made.field.add(name=name, number=number, label=3 if name == "inputs" else 1)
            field.type = field.TYPE_MESSAGE if kind else field.TYPE_STRING
            if kind:
                field.type_name = kind
    pool = descriptor_pool.DescriptorPool()
    for each in ("types", "tensor_shape", "resource_handle", "tensor"):
        path = f"tensorflow/core/framework/{each}.proto"
        pool.AddSerializedFile(descriptor_pool.Default().FindFileByName(path).serialized_pb)
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("PredictionLog"))


def test_each_signature_can_be_warmed_up(made, loaded):
    """The requests, read by protobuf, run."""
    path = made[0] / "assets.extra" / "tf_serving_warmup_requests"
    assert path.stat().st_size < 10_000
    requests = [
        _serving_messages().FromString(record.numpy()).predict_log.request
        for record in tf.data.TFRecordDataset(str(path))
    ]
    names = [request.model_spec.signature_name for request in requests]
    assert (
        sorted(names) == sorted(loaded.signatures) == ["logits", "serve_bytes", "serving_default"]
    )
    for name, request in zip(names, requests, strict=True):
        (taken,) = request.inputs
        tensor = tf.make_ndarray(tensor_pb2.TensorProto.FromString(taken.value.SerializeToString()))
        found = loaded.signatures[name](**{taken.key: tf.constant(tensor)})
        rows = 2 if name == "serve_bytes" else 1
        assert {output.shape for output in found.values()} == {(rows, 16)}


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
    with pytest.raises(ValueError, match=r"no scores.*Received: `descriptor` with `scores=logits`"):
        export_savedmodel(embedder, path, scores="logits")
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
