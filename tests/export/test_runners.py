"""Runners: the same contract for each runtime, and junk refused in words."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from keras_crosspool.exporting.runners import (
    KerasRunner,
    LiteRTRunner,
    OnnxRunner,
    Runner,
    open_runner,
)


def test_every_runtime_gives_the_same_logits(solved_directory, exported, comparator):
    images = comparator.images.pixels[:3]
    paths = [
        solved_directory,
        exported("tflite", "float32", ".tflite", scores="logits")[0],
        exported("onnx", "float32", ".onnx")[0],
        exported("openvino", "float32", ".openvino")[0],
        exported("savedmodel", "float32", ".savedmodel", scores="logits")[0],
    ]
    found = []
    for path in paths:
        with open_runner(path) as runner:
            found.append(runner.run(images))
    for logits in found:
        assert logits.dtype == np.float32
        np.testing.assert_allclose(logits, comparator.reference[:3], atol=1e-4)


@pytest.mark.parametrize("runner_class", [LiteRTRunner, OnnxRunner])
def test_junk_is_refused(tmp_path, runner_class):
    path = tmp_path / "junk"
    path.write_bytes(b"junk" * 100)
    with pytest.raises(ValueError, match="export it again"), runner_class(path):
        pass


class _Counter(Runner):
    """Gives each image's first value back and notes the batches."""

    def __init__(self, batch_size=None, max_batch=None):
        super().__init__("counter")
        self.batch_size, self.max_batch, self.seen = batch_size, max_batch, []

    def _open(self):
        pass

    def _close(self):
        pass

    def _infer(self, batch):
        self.seen.append(len(batch))
        return batch[:, 0, 0, :1].copy()


@pytest.mark.parametrize(
    ("batch_size", "max_batch", "images", "batches"),
    [
        (1, None, 3, [1, 1, 1]),
        (4, None, 6, [4, 4]),
        (4, None, 2, [4]),
        (None, None, 5, [5]),
        (None, 2, 5, [2, 2, 1]),
        (None, 8, 5, [5]),
    ],
)
def test_images_go_in_batches(batch_size, max_batch, images, batches):
    values = np.arange(images, dtype="uint8")
    pixels = np.broadcast_to(values[:, None, None, None], (images, 2, 2, 3))
    with _Counter(batch_size, max_batch) as runner:
        found = runner.run(pixels)
    assert runner.seen == batches
    assert found[:, 0].tolist() == values.tolist()


def test_a_runner_takes_a_model_or_its_directory(solved_directory, source, comparator):
    for model in (source.model, solved_directory):
        with KerasRunner(model) as runner:
            logits = runner.run(comparator.images.pixels[:2])
        np.testing.assert_allclose(logits, comparator.reference[:2], atol=1e-5)


def test_exact_sums_do_not_depend_on_the_processor():
    """The int8 routines of x86 processors without VNNI give 0 here: `255 * (127 + 127)` wraps."""
    pixels = np.full((2, 64, 4, 4), 127, "float32")
    with OnnxRunner(_int8_convolution(64), exact_sums=True) as runner:
        logits = runner.run(pixels)
    np.testing.assert_array_equal(logits, np.full((2, 8, 4, 4), 64 * 127 * 127 // 2**14 * 2**14))


def _int8_convolution(channels):
    """Symmetric int8 as TensorRT wants it, all weights 127, and steps of 2**14 behind it."""
    constants = {
        "zero": np.int8(0),
        "one": np.float32(1),
        "step": np.float32(2**14),
        "weights": np.full((8, channels, 1, 1), 127, "int8"),
    }
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "one", "zero"], ["q"]),
        helper.make_node("DequantizeLinear", ["q", "one", "zero"], ["d"]),
        helper.make_node("DequantizeLinear", ["weights", "one", "zero"], ["w"]),
        helper.make_node("Conv", ["d", "w"], ["sums"]),
        helper.make_node("QuantizeLinear", ["sums", "step", "zero"], ["rounded"]),
        helper.make_node("DequantizeLinear", ["rounded", "step", "zero"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes,
        "int8",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, channels, 4, 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, 8, 4, 4])],
        [numpy_helper.from_array(np.asarray(v), name) for name, v in constants.items()],
    )
    opsets = [helper.make_opsetid("", 18)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=9)
    onnx.checker.check_model(model)
    return model.SerializeToString()
