"""The folder of a page: proven, whole or not at all, and never in the place of something else."""

import json

import keras
import numpy as np
import onnx
import onnxruntime
import pytest

from keras_crosspool.exporting.artefact import read_artefact
from keras_crosspool.exporting.parity import ParityError
from keras_crosspool.page import api


@pytest.fixture
def write(monkeypatch, explained, page_comparator):
    """A function that writes a page without a runtime."""
    monkeypatch.setattr(api, "unpack_runtime", lambda content, folder: None)

    def write_page(folder, comparator=page_comparator, **options):
        return api.write_page(folder, explained, comparator, b"", **options)

    return write_page


def test_the_model_and_its_heat_map_are_proven(write, tmp_path, page_source, page_images):
    written = write(tmp_path / "page")
    record = read_artefact(tmp_path / "page" / "model.onnx")
    assert json.loads(written.to_json()) == json.loads(record.to_json())
    assert [output["name"] for output in record.outputs] == ["logits", "heat_map"]
    assert record.parity["status"] == "passed"
    assert record.parity["heat_map"]["images"] == 8
    session = onnxruntime.InferenceSession(tmp_path / "page" / "model.onnx")
    image = page_images.pixels[:1].astype("float32")
    logits, heat_map = session.run(None, {"image": image})
    expected = page_source.original.predict_on_batch(image)
    np.testing.assert_allclose(logits, expected, atol=1e-4)
    rest = _rest(page_source, image, expected)
    assert heat_map.sum() + rest == pytest.approx(expected.max(), abs=1e-4)


def _rest(source, image, logits, common=None):
    """What bias, by the factor of the limit, and common part add to the logit of the best class."""
    model, layer = source.original, source.original.classifier
    _, bias, inverse_limit, familiarity, familiarity_bias = layer.get_weights()
    descriptor = keras.Model(model.input, layer.input).predict(image, verbose=0)[0]
    common = descriptor @ familiarity + familiarity_bias if common is None else common
    assert abs(common) > 0.01
    return bias[logits.argmax()] * (1 - inverse_limit * abs(logits.max() - common)) + common


def _common_part(folder, image):
    """What the graph of a page itself adds to all logits alike."""
    proto = onnx.load(folder / "model.onnx")
    (last,) = (node for node in proto.graph.node if "logits" in node.output)
    for name in last.input:
        proto.graph.output.append(onnx.helper.make_empty_tensor_value_info(name))
    session = onnxruntime.InferenceSession(proto.SerializeToString())
    parts = session.run(list(last.input), {"image": image})
    (common,) = (part.item() for part in parts if part.shape == (1, 1))
    return common


def test_weights_in_float16_halve_the_model(write, tmp_path, page_source, page_images):
    """The heat map is that of the rounded weights, and still adds up to the logit."""
    whole = write(tmp_path / "whole")
    record = write(tmp_path / "half", precision="float16")
    assert (record.precision, record.details["computes_in"]) == ("float16", "float32")
    assert record.parity["status"] == "passed"
    assert whole.parity["heat_map"]["max_abs_of_range"] < 0.01
    assert record.parity["heat_map"]["max_abs_of_range"] < 0.2
    weights = {
        each.data_type: each
        for each in onnx.load(tmp_path / "half" / "model.onnx").graph.initializer
    }
    assert onnx.TensorProto.FLOAT16 in weights
    session = onnxruntime.InferenceSession(tmp_path / "half" / "model.onnx")
    image = page_images.pixels[:1].astype("float32")
    logits, heat_map = session.run(None, {"image": image})
    rest = _rest(page_source, image, logits, _common_part(tmp_path / "half", image))
    assert heat_map.sum() + rest == pytest.approx(logits.max(), abs=1e-4)


def test_a_wrong_heat_map_leaves_no_page(write, tmp_path, monkeypatch):
    class Damaged(api.OnnxRunner):
        def _infer(self, batch):
            return super()._infer(batch)[:, ::-1]

    monkeypatch.setattr(api, "OnnxRunner", Damaged)
    with pytest.raises(ParityError, match=r"heat maps.*largest difference of 1% of.*Received: \d"):
        write(tmp_path / "page")
    assert list(tmp_path.iterdir()) == []


def test_an_older_page_is_replaced_and_the_users_files_stay(write, tmp_path):
    assert write(tmp_path, comparator=None).parity == {"status": "off"}
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "index.html").write_text("old")
    write(tmp_path, comparator=None)
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert "What is it?" in (tmp_path / "index.html").read_text()


def test_a_folder_of_something_else_is_refused(write, tmp_path):
    (tmp_path / "index.html").write_text("my site")
    with pytest.raises(ValueError, match=r"no folder of a page.*Received: /"):
        write(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["index.html"]
