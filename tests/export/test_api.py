"""`keras_crosspool.export`: one call from a model in memory to a proven file."""

import json

import keras
import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

import keras_crosspool as kcp
from keras_crosspool.data import load_images, open_split
from keras_crosspool.exporting.parity import ParityError
from keras_crosspool.exporting.runners import open_runner


@pytest.fixture(scope="module")
def images(grocery):
    return load_images(open_split(str(grocery), "test"), 128, limit=96)


@pytest.fixture(scope="module")
def model(solved_directory):
    return kcp.load(solved_directory)


def _run(path, images):
    interpreter = Interpreter(model_path=str(path))
    interpreter.allocate_tensors()
    source, target = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    rows = []
    for image in images:
        interpreter.set_tensor(source["index"], image[None].astype("float32"))
        interpreter.invoke()
        rows.append(interpreter.get_tensor(target["index"])[0])
    return np.array(rows)


def test_float32_from_arrays_computes_the_same(model, images, tmp_path):
    record = kcp.export(model, tmp_path / "model.tflite", images=images[0], labels=images[1])
    exponentials = np.exp(model.predict(images[0][:8].astype("float32"), verbose=0))
    expected = exponentials / exponentials.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(_run(tmp_path / "model.tflite", images[0][:8]), expected, atol=1e-3)
    assert record.parity["images"] == 64
    assert json.loads((tmp_path / "model.tflite.json").read_text())["sha256"] == record.sha256
    assert record.model["class_names"] == list(model.class_names)


def test_int8_calibrates_and_compares_on_different_images(model, images, tmp_path):
    import tensorflow as tf

    data = tf.data.Dataset.from_tensor_slices(images).batch(16)
    record = kcp.export(model, tmp_path / "model.tflite", precision="int8", images=data)
    calibration = record.details["calibration"]
    assert (record.parity["images"], calibration["images"]) == (48, 48)
    assert calibration["images_shared_with_parity"] == 0
    expected = model.predict(images[0][:32].astype("float32"), verbose=0).argmax(axis=1)
    found = _run(tmp_path / "model.tflite", images[0][:32]).argmax(axis=1)
    assert (found == expected).mean() > 0.9


@pytest.mark.parametrize("suffix", [".tflite", ".onnx"])
def test_an_embedder_gives_the_descriptor(model, images, tmp_path, suffix):
    path = tmp_path / f"embedder{suffix}"
    record = kcp.export(model, path, images=images[0], labels=images[1], descriptor=True)
    assert record.outputs[0]["name"] == "descriptor"
    assert record.parity["score"] == record.parity["reference_score"] > 0
    pixels = images[0][:4].astype("float32")
    expected = keras.Model(model.inputs, model.descriptor).predict(pixels, verbose=0)
    with open_runner(path) as runner:
        found = runner.run(pixels)
    assert (found * expected).sum(axis=1).min() > 0.9999


def test_onnx_of_a_split(model, grocery, tmp_path):
    split = open_split(str(grocery), "test", model.class_names)
    record = kcp.export(model, tmp_path / "model.onnx", images=split)
    assert record.parity["status"] == "passed"


def test_parity_off_writes_unproven(model, tmp_path):
    record = kcp.export(model, tmp_path / "model.tflite", parity=False)
    assert record.parity["status"] == "off"


def test_what_is_not_the_model_is_not_written(model, images, tmp_path):
    """Calibrated on black images, int8 is not the model any more."""
    with pytest.raises(ParityError, match="Parity failed"):
        kcp.export(
            model,
            tmp_path / "model.onnx",
            precision="int8",
            images=images[0],
            labels=images[1],
            calibration_images=np.stack([np.full((128, 128, 3), i, "uint8") for i in range(2)]),
            allow_slower=True,
        )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("model.pt", {}, r"ending in \.tflite.*Received: .*model\.pt"),
        ("model.tflite", {}, "parity=False"),
        ("model.tflite", {"precision": "int4"}, "Received: precision='int4'"),
        ("model.tflite", {"quantise": True}, "Received: quantise"),
        ("model.tflite", {"int8_io": True}, "`int8_io` applies to int8 alone"),
        ("model.tflite", {"precision": "int8", "parity": False}, "int8 needs real images"),
        ("model.tflite", {"parity": False, "labels": [0]}, "Received: labels alone"),
        (
            "model.onnx",
            {"parity": False, "calibration_images": np.zeros((2, 128, 128, 3))},
            "`calibration_images` set the ranges of int8",
        ),
        (
            "model.onnx",
            {
                "precision": "int8",
                "parity": False,
                "calibration_images": np.zeros((2, 128, 128, 3)),
                "calibration_data": "photos",
            },
            "given already.*Received: photos",
        ),
    ],
)
def test_bad_input(model, tmp_path, name, arguments, words):
    with pytest.raises(ValueError, match=words):
        kcp.export(model, tmp_path / name, **arguments)
    assert list(tmp_path.iterdir()) == []
