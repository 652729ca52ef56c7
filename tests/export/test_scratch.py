"""Exports whose temporary folder is full: an error that names it, and no traceback."""

import errno
import os
import tempfile

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_crosspool.exporting import formats
from keras_crosspool.exporting.onnx import graph as onnx_graph
from keras_crosspool.exporting.onnx.quantizer import OnnxQuantizer
from keras_crosspool.exporting.onnx.recipe import ONNX_RUNTIME
from keras_crosspool.exporting.saved_model import saved_model
from keras_crosspool.exporting.source import make_source
from keras_crosspool.exporting.speed import gate_speed


@pytest.fixture
def source():
    inputs = keras.Input((4, 4, 3))
    outputs = keras.layers.Dense(2, name="logits")(keras.layers.Flatten()(inputs))
    return make_source(keras.Model(inputs, outputs), None)


@pytest.mark.parametrize(
    "error",
    [
        tf.errors.ResourceExhaustedError(None, None, "/tmp/x/part; No space left on device"),
        OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)),
    ],
    ids=["by TensorFlow", "by Python"],
)
def test_a_saved_model(source, error, tmp_path, monkeypatch, tried):
    class Archive:
        def track(self, model): ...
        def add_endpoint(self, name, function, input_signature): ...
        def write_out(self, directory, verbose):
            raise error

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(keras.export, "ExportArchive", Archive)
    words = r"cannot take more \(.*No space left on device\).*by TMPDIR\. Received: "
    with pytest.raises(OSError, match=words) as found:
        saved_model(source, 1)
    assert str(tmp_path) in str(found.value)
    if isinstance(error, OSError):
        reason = str(found.value).partition(". Received")[0]
        tried("export", "export with a full temporary folder", reason)


@pytest.mark.parametrize("work", ["quantised", "timed"])
def test_a_graph_to_be_worked_on(small_source, tmp_path, monkeypatch, work):
    proto = onnx_graph.convert(small_source)
    quantizer = OnnxQuantizer(proto, ONNX_RUNTIME)
    statistics = quantizer.calibrate(np.zeros((1, 128, 128, 3), "uint8"))
    content, row = proto.SerializeToString(), formats.get_format("onnx")
    works = {
        "quantised": lambda: quantizer.quantize(statistics),
        "timed": lambda: gate_speed(row, content, content, None),
    }

    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr("pathlib.Path.write_bytes", full)
    monkeypatch.setattr("onnxruntime.quantization.calibrate.save_tensors_data", full)
    with pytest.raises(OSError, match=r"by TMPDIR\. Received: ") as found:
        works[work]()
    assert str(tmp_path) in str(found.value)
    assert list(tmp_path.iterdir()) == []
