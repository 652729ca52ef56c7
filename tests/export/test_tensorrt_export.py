"""TensorRT: engines built for real by TensorRT-RTX, which takes no GPU, and checked on loading."""

import dataclasses

import numpy as np
import onnx
import pytest

from keras_crosspool.exporting.artefact import read_artefact, sidecar_path
from keras_crosspool.exporting.onnx import graph as onnx_graph
from keras_crosspool.exporting.runners import TensorRTRunner
from keras_crosspool.exporting.tensorrt.engine_builder import (
    EngineOptions,
    build_engine,
    find_product,
    parse_profile,
)
from keras_crosspool.exporting.tensorrt.engine_record import check_engine_fits
from keras_crosspool.exporting.tensorrt.exporter import export_tensorrt

pytest.importorskip("tensorrt_rtx")
_TARGETS = ("SM86", "SM89", "SM120")
_RTX = EngineOptions("tensorrt_rtx", (1, 8, 32))


@pytest.mark.parametrize("precision", ["float32", "float16", "int8"])
def test_engines_build_without_a_gpu(exported, precision):
    path, record = exported(
        "tensorrt", precision, ".engine", compute_capabilities=_TARGETS, verify="onnx"
    )
    engine = read_artefact(path).details["engine"]
    assert engine["product"] == "tensorrt_rtx"
    assert engine["version"] == find_product("tensorrt_rtx")[1].__version__
    assert tuple(engine["compute_capabilities"]) == _TARGETS
    assert engine["profile"] == {"min": 1, "opt": 8, "max": 32}
    assert record.details["engine_state"] == "built, not run"
    assert record.parity["runtime"] == "onnxruntime"
    assert record.parity["status"] == "passed"
    assert record.inputs[0]["shape"] == [None, 128, 128, 3]
    assert record.outputs[0]["name"] == "logits"
    assert record.operators["CONVOLUTION"] == 51


def test_precision_is_in_the_layers(exported):
    float32, int8 = (
        exported("tensorrt", p, ".engine", compute_capabilities=_TARGETS, verify="onnx")[1]
        for p in ("float32", "int8")
    )
    assert "QUANTIZE" not in float32.operators
    assert int8.operators["QUANTIZE"] > 50
    assert int8.bytes < float32.bytes


def test_equal_numbers_fix_the_batch(small_source, small_comparator, tmp_path):
    path = tmp_path / "x.engine"
    record = export_tensorrt(small_source, path, "float16", small_comparator, profile="4/4/4")
    assert record.inputs[0]["shape"][0] == 4
    assert record.parity["batch_sizes"] == (4,)


@pytest.mark.parametrize("text", ["", "1/8", "8/1/32", "0/1/1", "1/x/2", "1/2/3/4"])
def test_malformed_profiles_are_refused(text):
    with pytest.raises(ValueError, match="such as 1/8/32"):
        parse_profile(text)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"compute_capabilities": ("SM42",)}, r"list of SM75.*Received: 'SM42'"),
        ({"product": "openvino"}, "`product` is auto, tensorrt or tensorrt_rtx"),
        ({"timing_cache": "cache"}, "`timing_cache` applies to tensorrt alone"),
        ({"verify": "no"}, "`verify` is auto, engine, onnx"),
    ],
)
def test_bad_options_are_refused(small_source, empty_after, options, words):
    with empty_after() as directory, pytest.raises(ValueError, match=words):
        export_tensorrt(small_source, directory / "x.engine", **options)


def test_a_product_that_is_not_installed():
    with pytest.raises(ImportError, match="pip install tensorrt"):
        find_product("tensorrt")


def test_unparsed_nodes_are_named():
    node = onnx.helper.make_node("DFT", ["image", "length"], ["logits"], name="the_dft", axis=1)
    length = onnx.numpy_helper.from_array(np.array(8, "int64"), "length")
    make = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        [node],
        "g",
        [make("image", onnx.TensorProto.FLOAT, (1, 8, 2))],
        [make("logits", onnx.TensorProto.FLOAT, (1, 8, 2))],
        [length],
    )
    proto = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)])
    with pytest.raises(ValueError, match=r"does not parse the graph.*the_dft \(DFT\)"):
        build_engine(proto, _RTX)


def test_an_engine_that_does_not_build_shows_the_log(small_source):
    """SM75 has no float32 matrix product in TensorRT-RTX."""
    proto = onnx_graph.convert(small_source, batch_size=0)
    options = dataclasses.replace(_RTX, compute_capabilities=("SM75",))
    with pytest.raises(ValueError, match=r"did not build it for SM75.*ERROR"):
        build_engine(proto, options)


def _record(exported):
    return exported("tensorrt", "float32", ".engine", compute_capabilities=_TARGETS, verify="onnx")


@pytest.mark.parametrize(
    ("product", "version", "capability", "words"),
    [
        ("tensorrt", None, "SM89", "built by tensorrt_rtx, and tensorrt is installed"),
        ("tensorrt_rtx", "1.0", "SM89", "version 1.0 is installed here"),
        ("tensorrt_rtx", None, "SM90", "built for SM86, SM89, SM120, and the GPU here is SM90"),
        ("tensorrt_rtx", None, None, "no NVIDIA GPU here"),
    ],
)
def test_engines_that_do_not_fit_are_refused(exported, product, version, capability, words):
    _, record = _record(exported)
    version = version or record.details["engine"]["version"]
    with pytest.raises(ValueError, match=words):
        check_engine_fits(record, product, version, capability)


def test_engines_that_fit_pass(exported):
    _, record = _record(exported)
    check_engine_fits(record, "tensorrt_rtx", record.details["engine"]["version"], "SM89")


def _copy(exported, tmp_path):
    path, record = _record(exported)
    copy = tmp_path / path.name
    copy.write_bytes(path.read_bytes())
    sidecar_path(copy).write_text(record.to_json())
    return copy, record


def test_another_version_in_the_record_is_refused(exported, tmp_path):
    path, record = _copy(exported, tmp_path)
    engine = {**record.details["engine"], "version": "9.9.9"}
    other = dataclasses.replace(record, details={**record.details, "engine": engine})
    sidecar_path(path).write_text(other.to_json())
    with pytest.raises(ValueError, match=r"built by tensorrt_rtx 9\.9\.9"), TensorRTRunner(path):
        pass


def test_a_damaged_engine_is_refused(exported, tmp_path):
    path, _ = _copy(exported, tmp_path)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ValueError, match="not the one that its record"), TensorRTRunner(path):
        pass
