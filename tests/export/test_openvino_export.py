"""OpenVINO: each precision converted, run by its CPU plugin and held to the Keras model."""

import dataclasses
import json

import numpy as np
import openvino
import pytest

from keras_crosspool.exporting.artefact import read_artefact
from keras_crosspool.exporting.openvino.exporter import export_openvino
from keras_crosspool.exporting.parity import Comparator
from keras_crosspool.exporting.runners import OpenVINORunner, open_runner
from keras_crosspool.targets.rejection import Rejection


@pytest.fixture(scope="module")
def made(tmp_path_factory, small_source, small_comparator):
    """A function that exports the small model in a precision, once: its path and its record."""
    folder, done = tmp_path_factory.mktemp("openvino"), {}

    def make(precision):
        if precision not in done:
            path = folder / f"{precision}.openvino"
            done[precision] = path, export_openvino(small_source, path, precision, small_comparator)
        return done[precision]

    return make


@pytest.mark.parametrize("precision", ["float32", "float16"])
def test_each_precision_is_proven(made, precision):
    path, record = made(precision)
    assert read_artefact(path).sha256 == record.sha256
    assert sorted(file.name for file in path.iterdir()) == ["model.bin", "model.xml"]
    assert record.parity["status"] == "passed"
    assert record.parity["runtime"] == "openvino"
    assert record.parity["float16_arithmetic"]["status"] == "passed"
    assert record.inputs[0]["shape"] == [1, 128, 128, 3]
    assert record.operators["Convolution"] == 3  # body, deep and the windows
    assert record.versions["openvino"]


def test_float16_halves_the_weights(made):
    sizes = {p: (made(p)[0] / "model.bin").stat().st_size for p in ("float32", "float16")}
    assert 0.5 * sizes["float32"] <= sizes["float16"] < 0.52 * sizes["float32"]


def test_openvino_itself_gives_the_logits_of_keras(made, small_comparator):
    """Without our runner, as a user of the folder does."""
    compiled = openvino.compile_model(
        made("float32")[0] / "model.xml", "CPU", {"INFERENCE_PRECISION_HINT": "f32"}
    )
    assert compiled.input(0).any_name == "image"
    assert compiled.output(0).any_name == "logits"
    for i in range(3):
        image = small_comparator.images.pixels[i : i + 1].astype("float32")
        logits = compiled({"image": image})["logits"]
        np.testing.assert_allclose(logits, small_comparator.reference[i : i + 1], atol=1e-4)


def _said(path):
    """What OpenVINO finds in the runtime information of a file."""
    info = openvino.Core().read_model(path / "model.xml").get_rt_info(["model_info"])
    return {key: value.astype(str) for key, value in info.astype(dict).items()}


def test_the_file_says_what_it_is(small_source, tmp_path):
    names = ('"Päron" & <b>', "7", *small_source.metadata.class_names[2:])
    rejection = Rejection("max_logit", 1.5, refused_known=0.05, least_probability=0.25)
    known = dataclasses.replace(small_source.metadata, class_names=names, rejection=rejection)
    source = dataclasses.replace(small_source, metadata=known)
    export_openvino(source, tmp_path / "x.openvino", "float16")
    said = _said(tmp_path / "x.openvino")
    assert tuple(json.loads(said["class_names"])) == names
    assert said["preprocessing"] == known.preprocessing
    assert (said["name"], said["task"], said["image_size"]) == ("solved", "single_label", "128")
    assert json.loads(said["rejection"]) == dataclasses.asdict(rejection)
    assert "thresholds" not in said


def test_the_file_of_several_labels_says_their_thresholds(small_source, tmp_path):
    thresholds = tuple(0.25 + 0.03125 * i for i in range(16))
    known = dataclasses.replace(small_source.metadata, task="multi_label", thresholds=thresholds)
    export_openvino(dataclasses.replace(small_source, metadata=known), tmp_path / "x.openvino")
    said = _said(tmp_path / "x.openvino")
    assert said["task"] == "multi_label"
    assert tuple(json.loads(said["thresholds"])) == thresholds


@pytest.mark.parametrize(("batch_size", "shape"), [(0, None), (3, 3)])
def test_other_batches(small_source, small_comparator, tmp_path, batch_size, shape):
    path = tmp_path / "x.openvino"
    record = export_openvino(small_source, path, "float32", small_comparator, batch_size=batch_size)
    assert record.inputs[0]["shape"][0] == shape
    assert record.parity["batch_sizes"] == ((1, 16) if batch_size == 0 else (3,))


def test_an_embedder(small_source, small_comparator, tmp_path):
    embedder, path = small_source.embedder(), tmp_path / "x.openvino"
    comparator = Comparator.of(embedder, small_comparator.images)
    record = export_openvino(embedder, path, "float16", comparator)
    assert record.outputs[0]["name"] == "descriptor"
    model = openvino.Core().read_model(path / "model.xml")
    assert model.has_rt_info(["model_info", "preprocessing"])
    assert not model.has_rt_info(["model_info", "class_names"])


def test_threads_are_as_asked_for(made, small_comparator):
    with open_runner(made("float32")[0], num_threads=1) as runner:
        assert runner._model.get_property("INFERENCE_NUM_THREADS") == 1
        found = runner.run(small_comparator.images.pixels)
    np.testing.assert_allclose(found, small_comparator.reference, atol=1e-4)


@pytest.mark.parametrize("content", [None, "junk"])
def test_junk_is_refused(tmp_path, content):
    if content:
        (tmp_path / "model.xml").write_text(content)
    with (
        pytest.raises(ValueError, match=r"OpenVINO cannot load the folder.*Received: "),
        OpenVINORunner(tmp_path),
    ):
        pass
