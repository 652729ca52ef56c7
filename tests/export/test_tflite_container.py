"""The int8 file as a stranger's runtime reads it: weights inside, true versions, least runtime."""

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from keras_crosspool.exporting.runners import LiteRTRunner
from keras_crosspool.exporting.tflite.container import minimum_runtime, parse, seal
from keras_crosspool.exporting.tflite.exporter import export_tflite
from keras_crosspool.exporting.tflite.statistics import convolutions

_NAMES = {code: name for name, code in vars(schema.BuiltinOperator).items()}
# TensorFlow's op_version.cc for int8 values, and for int8 weights per channel of a float operator.
_VERSIONS = {
    "QUANTIZE": 1,
    "DEQUANTIZE": 2,
    "ADD": 2,
    "STRIDED_SLICE": 2,
    "CONV_2D": 3,
    "DEPTHWISE_CONV_2D": 3,
    "FULLY_CONNECTED": 12,
    "BATCH_MATMUL": 1,
    "RSQRT": 1,
}


def _root(path):
    return schema.Model.GetRootAs(path.read_bytes(), 0)


def test_operators_state_their_true_versions(exported):
    path, record = exported("tflite", "int8", ".tflite")
    codes = [_root(path).OperatorCodes(i) for i in range(_root(path).OperatorCodesLength())]
    versions = {_NAMES[code.BuiltinCode()]: code.Version() for code in codes}
    assert versions.items() >= _VERSIONS.items()
    assert all(code.DeprecatedBuiltinCode() == code.BuiltinCode() for code in codes)
    assert record.details["min_runtime_version"] == "2.17.0"


def test_weights_lie_inside_the_flatbuffer(exported):
    path, record = exported("tflite", "int8", ".tflite")
    buffers = [_root(path).Buffers(i) for i in range(_root(path).BuffersLength())]
    assert all(buffer.Offset() == buffer.Size() == 0 for buffer in buffers)
    inside = sum(buffer.DataLength() for buffer in buffers)
    assert inside > 0.9 * record.bytes


def test_the_rewritten_file_computes_the_same(
    small_source, small_comparator, tmp_path, monkeypatch
):
    contents = {}

    def seal_and_keep(content):
        contents["before.tflite"] = bytes(content)
        contents["after.tflite"] = seal(content)
        return contents["after.tflite"]

    monkeypatch.setattr("keras_crosspool.exporting.tflite.quantizer.seal", seal_and_keep)
    export_tflite(small_source, tmp_path / "x.tflite", "int8")
    logits = []
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
        with LiteRTRunner(tmp_path / name) as runner:
            logits.append(runner.run(small_comparator.images.pixels[:4]))
    np.testing.assert_array_equal(*logits)
    assert contents["before.tflite"] != contents["after.tflite"]


def test_sparse_weights_stay_as_they_are(small_source, damaged, tmp_path):
    def thin_out(kernel):
        return kernel * (np.random.default_rng(0).uniform(size=kernel.shape) < 0.05)

    sparse = damaged(small_source, "body", thin_out)
    record = export_tflite(sparse, tmp_path / "x.tflite", "int8")
    assert "DENSIFY" not in record.operators
    assert record.operators["CONV_2D"] == 3


def test_the_steps_of_the_weights_are_those_that_were_corrected_for(exported):
    from ai_edge_litert.interpreter import Interpreter

    path, _ = exported("tflite", "int8", ".tflite")
    float32 = parse(exported("tflite", "float32", ".tflite")[0].read_bytes())
    expected = {name: each.steps for name, each in convolutions(float32)}
    tensors = {t["name"]: t for t in Interpreter(str(path)).get_tensor_details()}
    for name, steps in expected.items():
        scales = tensors[name]["quantization_parameters"]["scales"]
        live = np.minimum(steps, scales) > 1e-6  # dead channels get steps of their own
        np.testing.assert_allclose(scales[live], steps[live], rtol=1e-6)
        assert live.mean() > 0.5
    assert len(expected) == 51


@pytest.mark.parametrize(("precision", "least"), [("float32", "2.3.0"), ("dynamic", "2.17.0")])
def test_the_least_runtime_is_recorded(small_source, tmp_path, precision, least):
    path = tmp_path / "x.tflite"
    record = export_tflite(small_source, path, precision)
    assert record.details["min_runtime_version"] == minimum_runtime(path.read_bytes()) == least
