"""ONNX: every precision converted, run by ONNX Runtime and held to the Keras model."""

import dataclasses
import gc
import json
import threading
import weakref

import keras
import numpy as np
import onnx
import onnxruntime
import pytest

from keras_crosspool.exporting.onnx import graph as onnx_graph
from keras_crosspool.exporting.onnx.conversion import collecting_garbage
from keras_crosspool.exporting.onnx.exporter import export_onnx
from keras_crosspool.exporting.onnx.runner import OnnxRunner
from keras_crosspool.exporting.source import make_source
from keras_crosspool.targets.rejection import Rejection
from tests.small_models import flat_classifier

_PRECISIONS = ("float32", "float16", "int8")


def _load(exported, precision):
    return onnx.load(exported("onnx", precision, ".onnx")[0])


@pytest.mark.parametrize("precision", _PRECISIONS)
def test_each_precision_is_proven(exported, precision):
    path, record = exported("onnx", precision, ".onnx")
    proto = onnx.load(path)
    onnx.checker.check_model(proto, full_check=True)
    assert record.parity["status"] == "passed"
    assert [value.name for value in proto.graph.input] == ["image"]
    assert [value.name for value in proto.graph.output] == ["logits"]
    assert record.inputs[0] == {
        "name": "image",
        "shape": [1, 128, 128, 3],
        "dtype": "float32",
        "range": (0.0, 255.0),
    }
    assert record.details["opset"] == 18
    assert {entry.version for entry in proto.opset_import if entry.domain == ""} == {18}


def test_the_classes_travel_in_the_file(exported, metadata):
    entries = {prop.key: prop.value for prop in _load(exported, "float32").metadata_props}
    assert tuple(json.loads(entries["class_names"])) == metadata.class_names
    assert entries["image_size"] == "128"


def test_lower_precisions_are_smaller(exported):
    float32, float16, int8 = (
        exported("onnx", precision, ".onnx")[1].bytes for precision in _PRECISIONS
    )
    assert float16 < 0.55 * float32
    assert int8 < float32 / 3


def test_weights_alone_are_float16(small_source, small_comparator, tmp_path):
    """What ONNX Runtime computes with is the weights rounded to float16, in float32."""
    path = tmp_path / "x.onnx"
    record = export_onnx(small_source, path, "float16", small_comparator, weights_only=True)
    assert record.parity["status"] == "passed"
    assert record.details["computes_in"] == "float32"
    assert set(record.details["runtime_operators"]) == {"float32"}
    model = keras.models.clone_model(small_source.model)
    rounded = [
        values.astype("float16").astype("float32") if values.size >= 1024 else values
        for values in small_source.model.get_weights()
    ]
    model.set_weights(rounded)
    image = small_comparator.images.pixels[:1].astype("float32")
    (logits,) = onnxruntime.InferenceSession(path).run(None, {"image": image})
    np.testing.assert_allclose(logits, model.predict_on_batch(image), atol=1e-5)
    halves = [
        each
        for each in onnx.load(path).graph.initializer
        if each.data_type == onnx.TensorProto.FLOAT16
    ]
    large = [values for values in rounded if values.size >= 1024]
    assert sorted(np.prod(each.dims) for each in halves) == sorted(map(np.size, large))


@pytest.mark.parametrize("precision", _PRECISIONS)
def test_older_runtimes_open_the_file(small_source, tmp_path, precision):
    """ONNX Runtime 1.20, of November 2024, reads format version 10 and operator set 21."""
    export_onnx(small_source, tmp_path / "x.onnx", precision)
    proto = onnx.load(tmp_path / "x.onnx")
    assert proto.ir_version == 8  # the first with operator set 18, by ONNX' own table of versions
    assert [(each.domain, each.version) for each in proto.opset_import] == [("", 18)]


def test_unused_operator_sets_are_not_stated(small_source):
    proto = onnx_graph.convert(small_source)
    proto.ir_version = 13
    proto.opset_import.append(onnx.helper.make_opsetid("com.example", 1))
    onnx_graph.state_oldest_versions(proto)
    assert proto.ir_version == 8
    assert [each.domain for each in proto.opset_import] == [""]


def _said(path):
    """What the file says of itself, by ONNX Runtime."""
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return session.get_modelmeta().custom_metadata_map


@pytest.mark.parametrize("precision", _PRECISIONS)
def test_the_file_says_what_it_is(small_source, tmp_path, precision):
    rejection = Rejection("max_logit", 1.5, refused_known=0.05, least_probability=0.25)
    known = dataclasses.replace(small_source.metadata, rejection=rejection)
    source = dataclasses.replace(small_source, metadata=known)
    export_onnx(source, tmp_path / "x.onnx", precision)
    said = _said(tmp_path / "x.onnx")
    assert tuple(json.loads(said["class_names"])) == known.class_names
    assert (said["name"], said["task"], said["image_size"]) == ("solved", "single_label", "128")
    assert said["preprocessing"] == known.preprocessing
    found = json.loads(said["rejection"])
    assert (found["confidence"], found["threshold"], found["least_probability"]) == (
        "max_logit",
        1.5,
        0.25,
    )
    assert "thresholds" not in said


def test_a_file_of_several_labels_says_their_thresholds(small_source, tmp_path):
    thresholds = tuple(i / 16 for i in range(16))
    known = dataclasses.replace(small_source.metadata, task="multi_label", thresholds=thresholds)
    export_onnx(dataclasses.replace(small_source, metadata=known), tmp_path / "x.onnx")
    said = _said(tmp_path / "x.onnx")
    assert said["task"] == "multi_label"
    assert tuple(json.loads(said["thresholds"])) == thresholds
    assert "rejection" not in said


def test_an_embedder_names_no_classes(small_source, tmp_path):
    export_onnx(small_source.embedder(), tmp_path / "x.onnx")
    assert set(_said(tmp_path / "x.onnx")) == {"name", "task", "image_size", "preprocessing"}


def _inputs_of(proto, operator):
    """Types of the inputs of the operators of a kind, by shape inference."""
    inferred = onnx.shape_inference.infer_shapes(proto).graph
    types = {value.name: value.type.tensor_type.elem_type for value in inferred.value_info}
    types |= {tensor.name: tensor.data_type for tensor in inferred.initializer}
    types |= {value.name: value.type.tensor_type.elem_type for value in inferred.input}
    return [
        {types[name] for name in node.input} for node in inferred.node if node.op_type == operator
    ]


def test_float16_keeps_the_head_in_float32(exported):
    proto = _load(exported, "float16")
    assert _inputs_of(proto, "Conv") == [{onnx.TensorProto.FLOAT16}] * 51
    for operator, count in (("MatMul", 2), ("Sqrt", 1), ("Gemm", 1)):
        assert _inputs_of(proto, operator) == [{onnx.TensorProto.FLOAT}] * count
    large = [t for t in proto.graph.initializer if np.prod(t.dims) >= 1024]
    assert {tensor.data_type for tensor in large} == {onnx.TensorProto.FLOAT16}


@pytest.mark.parametrize("precision", _PRECISIONS)
@pytest.mark.parametrize(("batch_size", "shape"), [(0, None), (3, 3)])
def test_other_batches(small_source, small_comparator, tmp_path, precision, batch_size, shape):
    path = tmp_path / "x.onnx"
    record = export_onnx(small_source, path, precision, small_comparator, batch_size=batch_size)
    assert record.inputs[0]["shape"][0] == shape
    assert record.parity["batch_sizes"] == ((1, 16) if batch_size == 0 else (3,))


def test_names_agree_between_conversions(small_source):
    sources = [make_source(small_source.model, small_source.metadata) for _ in range(2)]
    first, second = (onnx_graph.convert(source) for source in sources)
    for names in (
        lambda graph: [node.name for node in graph.node],
        lambda graph: [name for node in graph.node for name in node.output],
        lambda graph: sorted(tensor.name for tensor in graph.initializer),
    ):
        assert names(first.graph) == names(second.graph)
    assert not any("__" in node.name for node in first.graph.node)


@pytest.mark.parametrize("batch_size", [1, 0])
def test_gelu_and_convolutions_in_groups(metadata, batch_size):
    """Keras compiles such convolutions in functions of their own, and TensorFlow's GELU is Erfc."""
    image = keras.Input((8, 8, 3), name="image")
    x = keras.layers.Conv2D(8, 3, groups=1)(image)
    x = keras.layers.Conv2D(8, 3, groups=8, padding="same", bias_initializer="normal")(x)
    x = keras.layers.Conv2D(6, 3, groups=2, activation="gelu")(x)
    source = make_source(flat_classifier(image, x, metadata.class_names), metadata)
    proto = onnx_graph.convert(source, batch_size)
    onnx_graph.check(proto)
    groups = [
        attribute.i
        for node in proto.graph.node
        for attribute in node.attribute
        if attribute.name == "group"
    ]
    assert groups == [1, 8, 2]
    images = np.random.default_rng(0).normal(size=(2, 8, 8, 3)).astype("float32")
    with OnnxRunner(proto.SerializeToString()) as runner:
        found = runner.run(images)
    np.testing.assert_allclose(found, source.model.predict(images, verbose=0), atol=1e-5)


def test_a_normalisation_of_given_mean_takes_the_image_alone(metadata):
    """tf2onnx takes mean and deviation for inputs of the graph."""
    mean, variance = np.array([100.0, 110.0, 120.0]), np.array([50.0, 60.0, 70.0]) ** 2
    image = keras.Input((8, 8, 3), name="image")
    x = keras.layers.Normalization(mean=mean, variance=variance)(image)
    proto = onnx_graph.convert(make_source(keras.Model(image, x), metadata))
    assert [value.name for value in proto.graph.input] == ["image"]
    images = np.random.default_rng(0).integers(0, 256, (1, 8, 8, 3)).astype("float32")
    with OnnxRunner(proto.SerializeToString()) as runner:
        found = runner.run(images)
    np.testing.assert_allclose(found, (images - mean) / np.sqrt(variance), atol=1e-5)


def test_garbage_is_collected_while_a_graph_is_converted():
    """Copies of a graph refer to themselves, and go before Python would look for such."""

    class Copy:
        def __init__(self):
            self.itself = self

    gone, before = threading.Event(), threading.active_count()
    gc.disable()
    try:
        with collecting_garbage(0.01):
            weakref.finalize(Copy(), gone.set)
            assert gone.wait(60)
        assert threading.active_count() == before
    finally:
        gc.enable()


def test_an_operator_that_onnx_lacks_is_named(metadata):
    image = keras.Input((8, 8, 3), name="image")
    x = keras.ops.erfinv(image)
    source = make_source(flat_classifier(image, x, metadata.class_names), metadata)
    with pytest.raises(ValueError, match=r"does not write as ONNX\. Received: Erfinv"):
        onnx_graph.convert(source)


@pytest.mark.parametrize("opset", [9, 13, 17])
def test_other_operator_sets(small_source, small_comparator, tmp_path, opset):
    record = export_onnx(
        small_source, tmp_path / "x.onnx", "float32", small_comparator, opset=opset
    )
    assert record.details["opset"] == opset
    assert record.parity["status"] == "passed"


def test_further_outputs_come_out_under_their_names(small_source, small_comparator, tmp_path):
    model = small_source.model
    deep = model.get_layer("deep").output
    both = keras.Model(model.inputs, [model.outputs[0], deep])
    source = dataclasses.replace(small_source, model=both, further_outputs=("guidance",))
    record = export_onnx(source, tmp_path / "model.onnx", comparator=small_comparator)
    assert [output["name"] for output in record.outputs] == ["logits", "guidance"]
    image = small_comparator.images.pixels[:1].astype("float32")
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    (found,) = session.run(["guidance"], {"image": image})
    expected = keras.Model(model.inputs, deep).predict_on_batch(image)
    np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize(
    ("precision", "opset", "words"),
    [
        ("float32", 99, "`opset` must be at most 18. Received: 99"),
        ("float32", 3, "`opset` must be at least 9. Received: 3"),
        ("int8", 12, "`opset` must be at least 13 for int8.*Received: 12"),
    ],
)
def test_an_unknown_operator_set_is_refused(small_source, empty_after, precision, opset, words):
    with empty_after() as directory, pytest.raises(ValueError, match=words):
        export_onnx(small_source, directory / "x.onnx", precision, opset=opset)


def test_operators_outside_the_standard_are_refused(small_source):
    proto = onnx_graph.convert(small_source)
    proto.graph.node[0].domain = "com.example"
    with pytest.raises(ValueError, match=r"Received: operators of com\.example"):
        onnx_graph.check(proto)


def test_broken_graphs_are_refused(small_source):
    proto = onnx_graph.convert(small_source)
    del proto.graph.node[2]
    with pytest.raises(ValueError, match="no valid ONNX model"):
        onnx_graph.check(proto)
