"""int8 ONNX: one recipe for ONNX Runtime, which computes in integers, and one for TensorRT."""

import numpy as np
import onnx
import onnxruntime
import pytest

from keras_crosspool.exporting.convolution import paired_steps
from keras_crosspool.exporting.onnx import graph as onnx_graph
from keras_crosspool.exporting.onnx.inspection import runtime_operators
from keras_crosspool.exporting.onnx.quantizer import OnnxQuantizer
from keras_crosspool.exporting.onnx.recipe import ONNX_RUNTIME, TENSORRT
from keras_crosspool.exporting.onnx.statistics import convolutions
from keras_crosspool.exporting.statistics import Statistics


@pytest.fixture(scope="module")
def proto(exported):
    return onnx.load(exported("onnx", "int8", ".onnx")[0])


@pytest.fixture(scope="module")
def for_tensorrt(source, training_images):
    quantizer = OnnxQuantizer(onnx_graph.convert(source), TENSORRT)
    return quantizer.quantize(quantizer.calibrate(training_images[0][::20]))


def _constants(proto):
    return {t.name: onnx.numpy_helper.to_array(t) for t in proto.graph.initializer}


def _producers(proto):
    return {name: node for node in proto.graph.node for name in node.output}


def _feeding(proto, operator, inputs=slice(None)):
    """The kinds of nodes from which the operators of a kind get their inputs."""
    producers = _producers(proto)
    names = [n for node in proto.graph.node if node.op_type == operator for n in node.input[inputs]]
    return {producers[name].op_type if name in producers else "constant" for name in names}


def test_onnx_runtime_computes_in_integers(exported):
    """What it says itself of the graph that it runs, not what the file looks like."""
    found = exported("onnx", "int8", ".onnx")[1].details["runtime_operators"]
    assert found["uint8"]["QLinearConv"] == 51
    assert found["uint8"]["QLinearAdd"] == 9
    assert not {"Conv", "FusedConv"} & set(found["float32"])
    assert found["float32"]["QuantizeLinear"] == 1
    assert {"Sqrt", "ReduceMean", "Gemm"} <= set(found["float32"])


def test_the_record_tells_a_slow_recipe_from_a_fast_one(for_tensorrt):
    found = runtime_operators(for_tensorrt)
    assert found["uint8"].get("QLinearConv", 0) <= 1
    assert sum(found["float32"].get(name, 0) for name in ("Conv", "FusedConv")) >= 50


def test_activations_are_uint8_and_biases_int32(proto):
    constants, producers = _constants(proto), _producers(proto)
    for node in proto.graph.node:
        if node.op_type == "Conv":
            pairs = [producers[name] for name in node.input]
            assert [pair.op_type for pair in pairs] == ["DequantizeLinear"] * 3
            assert constants[pairs[0].input[2]].dtype == np.uint8
            assert constants[pairs[1].input[0]].dtype == np.int8
            assert constants[pairs[2].input[0]].dtype == np.int32


def test_int8_is_as_small_as_it_says(exported):
    """The classifier stays in float, its weights are kept in half precision."""
    path, record = exported("onnx", "int8", ".onnx")
    assert record.bytes < exported("onnx", "float32", ".onnx")[1].bytes / 3
    large = {t.data_type for t in onnx.load(path).graph.initializer if np.prod(t.dims) > 2**19}
    assert onnx.TensorProto.FLOAT not in large
    assert onnx.TensorProto.FLOAT16 in large


def test_the_steps_of_the_weights_are_those_that_were_corrected_for(proto, source):
    constants, producers = _constants(proto), _producers(proto)
    scales = {
        node.name: constants[producers[node.input[1]].input[1]]
        for node in proto.graph.node
        if node.op_type == "Conv"
    }
    float32 = onnx_graph.convert(source).graph
    kernels = {node.name: node.input[1] for node in float32.node if node.op_type == "Conv"}
    expected = dict(convolutions(float32, paired_steps))
    for name, kernel in kernels.items():
        steps = expected[kernel].steps
        live = steps > 1e-6  # dead channels get larger steps, for the sake of their biases
        np.testing.assert_allclose(scales[name][live], steps[live], rtol=1e-6)
        assert live.mean() > 0.5


def test_no_pair_of_products_leaves_sixteen_bits(proto):
    """Processors without VNNI keep `255 * (a + b)` of two int8 weights in a row in 16 bits."""
    constants, producers = _constants(proto), _producers(proto)
    convolutions = [node for node in proto.graph.node if node.op_type == "Conv"]
    for node in convolutions:
        weights = constants[producers[node.input[1]].input[0]].astype("int64")
        if weights.shape[1] > 1:
            for order in (weights, weights.transpose(0, 2, 3, 1)):
                rows = order.reshape(len(order), -1)
                rows = np.pad(rows, ((0, 0), (0, rows.shape[1] % 2))).reshape(len(rows), -1, 2)
                for part in (rows.clip(0), (-rows).clip(0)):
                    assert 255 * part.sum(-1).max() <= np.iinfo("int16").max
    assert len(convolutions) == 51


def test_int8_stays_near(exported):
    """Without the shifts that rounding causes taken back, the median is 0.9946."""
    assert exported("onnx", "int8", ".onnx")[1].parity["cosine"]["median"] > 0.997


def test_the_means_of_rounded_convolutions_stay(source, training_images):
    """The first convolution of the file, whose input is the same as in float."""
    float32 = onnx_graph.convert(source)
    pixels = training_images[0][::40]
    found = OnnxQuantizer(float32, ONNX_RUNTIME).calibrate(pixels)
    means = {}
    for name, shifts in (
        ("float", None),
        ("corrected", found.shifts),
        ("rounded", {kernel: np.zeros(len(s)) for kernel, s in found.shifts.items()}),
    ):
        graph = float32
        if shifts:
            statistics = Statistics(found.ranges, shifts)
            graph = OnnxQuantizer(float32, ONNX_RUNTIME).quantize(statistics)
        means[name] = _mean_of_first_convolution(graph, pixels)
    kernel = next(node for node in float32.graph.node if node.op_type == "Conv").input[1]
    np.testing.assert_allclose(means["rounded"] - means["float"], found.shifts[kernel], atol=0.02)
    error = {name: np.abs(mean - means["float"]).mean() for name, mean in means.items()}
    assert error["corrected"] < 0.5 * error["rounded"]


def _mean_of_first_convolution(proto, pixels):
    """The mean of each channel before the clip, computed without any optimisation."""
    copy = onnx.ModelProto()
    copy.CopyFrom(proto)
    name = next(node for node in copy.graph.node if node.op_type == "Conv").output[0]
    copy.graph.output.append(onnx.helper.make_empty_tensor_value_info(name))
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(
        copy.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    batches = [session.run([name], {"image": image[None].astype("float32")})[0] for image in pixels]
    return np.mean(batches, (0, 1, 3, 4))


def test_int8_for_tensorrt_is_what_it_parses(for_tensorrt):
    constants = _constants(for_tensorrt)
    kinds = ("QuantizeLinear", "DequantizeLinear")
    pairs = [node for node in for_tensorrt.graph.node if node.op_type in kinds]
    zero_points = [constants[node.input[2]] for node in pairs]
    assert all(point.dtype == np.int8 and not point.any() for point in zero_points)
    scales = {constants[node.input[1]].size for node in pairs}
    assert {1, 1280} <= scales  # per tensor for activations, per channel for weights
    assert not any(value.dtype == np.int32 for value in constants.values())


def test_int8_for_tensorrt_leaves_the_product_of_maps_in_float(for_tensorrt):
    weighted = slice(0, 2)
    assert _feeding(for_tensorrt, "Conv", weighted) == {"DequantizeLinear"}
    assert _feeding(for_tensorrt, "Gemm", weighted) == {"DequantizeLinear"}
    producers = _producers(for_tensorrt)
    products = [
        {producers[name].op_type for name in node.input}
        for node in for_tensorrt.graph.node
        if node.op_type == "MatMul"
    ]
    common_part = {"DequantizeLinear"}  # of all logits, which has weights
    assert sorted(products, key=len) == [common_part, {"Reshape", "Transpose"}]
