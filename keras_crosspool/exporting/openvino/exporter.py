"""Keras to an OpenVINO model, by way of the ONNX graph."""

import collections
import pathlib

from keras_crosspool.exporting import formats
from keras_crosspool.exporting.file_metadata import file_metadata
from keras_crosspool.exporting.folder import Folder
from keras_crosspool.exporting.onnx import exporter as onnx_exporter
from keras_crosspool.exporting.onnx import graph as onnx_graph
from keras_crosspool.exporting.openvino.runner import MODEL_FILE
from keras_crosspool.exporting.publish import Draft, publish
from keras_crosspool.files import scratch_directory

_PACKAGES = ("openvino", *onnx_exporter.PACKAGES)
_SECTION = "model_info"  # of the runtime information in the file
_NO_OPERATORS = ("Constant", "Parameter", "Result")


def export_openvino(
    source, output, precision="float32", comparator=None, *, batch_size=1, opset=18
):
    """Writes a model as an OpenVINO folder whose parity with Keras is proven.

    Args:
        source: `Source`.
        output: path of the `.openvino` folder, in which `model.xml` and `model.bin` stand.
        precision: `"float32"` (the default) or `"float16"` (weights in half precision, float32
            arithmetic on the CPU).
        comparator: `Comparator`, or `None` (the default) to write it unproven.
        batch_size: int, images at once; `0` leaves it open. Defaults to `1`.
        opset: int, of the ONNX graph that is converted. Defaults to `18`.

    Returns:
        `Artefact`.

    Raises:
        ValueError: if the precision is not as expected or the model does not convert.
        ParityError: if the result is not the Keras model any more.
    """
    formats.get_format("openvino").check_arguments(precision, batch_size=batch_size, opset=opset)
    proto = onnx_graph.convert(source, batch_size, opset)
    graph = proto.SerializeToString()
    model = _convert(graph, source)
    inputs, outputs = onnx_graph.list_tensors(proto)
    draft = Draft(
        "openvino",
        precision,
        _saved(model, precision),
        _list_operators(model),
        inputs,
        outputs,
        _PACKAGES,
        {"opset": opset},
        graph=graph,
    )
    return publish(draft, source, pathlib.Path(output), comparator)


def _convert(graph, source):
    """An `openvino.Model` of an ONNX graph, which says in the file what it is."""
    import openvino

    model = openvino.Core().read_model(graph)
    for key, value in file_metadata(source).items():
        model.set_rt_info(value, [_SECTION, key])
    return model


def _saved(model, precision):
    import openvino

    with scratch_directory() as folder:
        path = folder / MODEL_FILE
        openvino.save_model(model, path, compress_to_fp16=precision == "float16")
        return Folder.read(folder)


def _list_operators(model):
    counts = collections.Counter(node.get_type_name() for node in model.get_ordered_ops())
    return {name: count for name, count in counts.most_common() if name not in _NO_OPERATORS}
