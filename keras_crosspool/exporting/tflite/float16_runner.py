"""Runs a TFLite file with float16 arithmetic."""

import copy
import pathlib

import numpy as np

from keras_crosspool.exporting.float16.float16_runner import Float16Runner, to_float16
from keras_crosspool.exporting.float16.operator import Operator
from keras_crosspool.exporting.tflite.runner import dequantise, quantise


class TFLiteFloat16Runner(Float16Runner):
    """Runs a TFLite file with LiteRT, operator by operator, and rounds everything to float16.

    Args:
        path: path of the file, or its bytes.

    Raises:
        ValueError: on opening, if the file has loops or branches.
    """

    def __init__(self, path):
        super().__init__("float16 arithmetic on litert")
        self._path = path

    def _load(self):
        from ai_edge_litert.interpreter import Interpreter
        from ai_edge_litert.tools import flatbuffer_utils

        is_content = isinstance(self._path, bytes)
        content = self._path if is_content else pathlib.Path(self._path).read_bytes()
        model = flatbuffer_utils.read_model_from_bytearray(bytearray(content))
        self._refuse_branches([graph.name for graph in model.subgraphs[1:]])
        whole = Interpreter(model_content=content)
        self._image, self._logits = whole.get_input_details()[0], whole.get_output_details()[0]
        graph = model.subgraphs[0]
        self.batch_size = int(graph.tensors[graph.inputs[0]].shape[0])
        operators = [_operator(model, node) for node in graph.operators]
        return graph.inputs[0], graph.outputs[0], operators

    def _infer(self, batch):
        return dequantise(super()._infer(quantise(batch, self._image)), self._logits)


def _operator(model, node):
    """A node as an `Operator`, which runs as a file of its own."""
    from ai_edge_litert.tools import flatbuffer_utils

    tensors = model.subgraphs[0].tensors
    used = [i for i in dict.fromkeys(node.inputs) if i >= 0]
    held = {i: array for i in used if (array := _constant(model, tensors[i])) is not None}
    read = tuple(i for i in used if i not in held)
    kind = flatbuffer_utils.opcode_to_name(model, node.opcodeIndex)
    layer = tensors[node.outputs[0]].name.decode().split(";")[0]
    interpreters = []

    def run(arrays):
        if not interpreters:
            interpreters.append(_interpreter(_file(model, node, read, held), arrays))
        interpreter = interpreters[0]
        for tensor, array in zip(interpreter.get_input_details(), arrays, strict=True):
            interpreter.set_tensor(tensor["index"], array)
        interpreter.invoke()
        return [interpreter.get_tensor(x["index"]) for x in interpreter.get_output_details()]

    return Operator(f"{kind} {layer}", read, tuple(node.outputs), run, tuple(held.values()))


def _file(model, node, read, constants):
    """The bytes of a file of one node, with its constants rounded."""
    from ai_edge_litert import schema_py_generated as schema
    from ai_edge_litert.tools import flatbuffer_utils

    place = {i: n for n, i in enumerate(dict.fromkeys((*read, *constants, *node.outputs)))}
    operator = copy.copy(node)
    operator.opcodeIndex = 0
    operator.inputs = [place.get(i, -1) for i in node.inputs]
    operator.outputs = [place[i] for i in node.outputs]
    graph, buffers = schema.SubGraphT(), [schema.BufferT()]
    graph.tensors = [copy.copy(model.subgraphs[0].tensors[i]) for i in place]
    for i, tensor in zip(place, graph.tensors, strict=True):
        tensor.buffer = 0
        if i in constants:
            tensor.buffer = len(buffers)
            buffers.append(schema.BufferT())
            buffers[-1].data = to_float16(constants[i]).view("uint8")
    graph.inputs, graph.outputs = [place[i] for i in read], operator.outputs
    graph.operators = [operator]
    file = schema.ModelT()
    file.version, file.subgraphs, file.buffers = model.version, [graph], buffers
    file.operatorCodes = [model.operatorCodes[node.opcodeIndex]]
    return bytes(flatbuffer_utils.convert_object_to_bytearray(file))


def _interpreter(content, arrays):
    """An interpreter of a file, for inputs of the arrays' shapes."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    # The delegate does not take an operator on constants alone.
    plain = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    kernels = OpResolverType.AUTO if arrays else plain
    interpreter = Interpreter(model_content=content, experimental_op_resolver_type=kernels)
    for tensor, array in zip(interpreter.get_input_details(), arrays, strict=True):
        interpreter.resize_tensor_input(tensor["index"], array.shape)
    interpreter.allocate_tensors()
    return interpreter


def _constant(model, tensor):
    """The values of a constant, floats as such and all others as bytes; `None` of other tensors."""
    from ai_edge_litert.schema_py_generated import TensorType

    data = model.buffers[tensor.buffer].data
    if data is None or not len(data):
        return None
    is_float = tensor.type == TensorType.FLOAT32
    return np.frombuffer(bytes(data), "float32" if is_float else "uint8")
