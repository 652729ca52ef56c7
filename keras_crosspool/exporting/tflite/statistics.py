"""Runs a float TFLite file on real images and measures what its int8 version must know."""

import collections
import copy
import os

import numpy as np

from keras_crosspool.exporting.convolution import Convolution, plain_steps
from keras_crosspool.exporting.statistics import Collector
from keras_crosspool.exporting.tflite.container import pack, parse
from keras_crosspool.exporting.tflite.inspection import is_constant, operators

_CONVOLUTIONS = ("CONV_2D", "DEPTHWISE_CONV_2D")


def convolutions(model):
    """The convolutions of a parsed float model whose weights are constants.

    Args:
        model: `ModelT`, from `parse`.

    Yields:
        Pairs of a kernel's name and its `Convolution`.
    """
    from ai_edge_litert.schema_py_generated import Padding

    names = [tensor.name.decode() for tensor in model.subgraphs[0].tensors]
    for operator, node in _convolution_operators(model):
        options = node.builtinOptions
        kernel = _constant(model, model.subgraphs[0].tensors[node.inputs[1]])
        if operator == "DEPTHWISE_CONV_2D":
            kernel = kernel.transpose(3, 1, 2, 0)
        yield (
            names[node.inputs[1]],
            Convolution(
                source=names[node.inputs[0]],
                kernel=kernel,
                steps=plain_steps(kernel),
                strides=(options.strideH, options.strideW),
                dilations=(options.dilationHFactor, options.dilationWFactor),
                padding=None if options.padding == Padding.SAME else ((0, 0), (0, 0)),
            ),
        )


def measure(content, batches):
    """Measures a float32 TFLite file.

    Args:
        content: bytes of the file.
        batches: iterable of float32 arrays `(batch, height, width, 3)`.

    Returns:
        `Statistics`.
    """
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    model = parse(content)
    graph = model.subgraphs[0]
    names = [tensor.name.decode() for tensor in graph.tensors]
    index = {name: i for i, name in enumerate(names)}
    collector = Collector(list(convolutions(model)))
    interpreter = Interpreter(
        model_content=bytes(content),
        num_threads=os.cpu_count(),
        # A delegate keeps what lies between two operators to itself.
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        experimental_preserve_all_tensors=True,
    )
    for batch in batches:
        interpreter.resize_tensor_input(graph.inputs[0], batch.shape)
        interpreter.allocate_tensors()
        interpreter.set_tensor(graph.inputs[0], batch)
        interpreter.invoke()
        collector.add(
            {names[i]: interpreter.get_tensor(i) for i in _activations(model)},
            lambda name: interpreter.get_tensor(index[name]),
        )
    return collector.statistics()


def correct_biases(content, shifts):
    """Takes the shifts that rounded weights cause back, in the biases of the float file.

    Args:
        content: bytes of a float32 TFLite file.
        shifts: dict, from `measure`.

    Returns:
        bytes of a TFLite file.
    """
    from ai_edge_litert.schema_py_generated import BufferT

    model = parse(content)
    graph = model.subgraphs[0]
    nodes = [operator for _, operator in _convolution_operators(model)]
    pairs = list(dict.fromkeys((node.inputs[1], node.inputs[2]) for node in nodes))
    users = collections.Counter(bias for _, bias in pairs)
    for kernel, bias in pairs:
        tensor = graph.tensors[bias]
        name = graph.tensors[kernel].name
        values = _constant(model, tensor) - np.array(shifts[name.decode()])
        if users[bias] > 1:  # such as the zeros of convolutions that had no bias
            tensor = copy.copy(tensor)
            tensor.name = name + b"/bias"
            graph.tensors.append(tensor)
        # Equal biases lie in one buffer, and these are not equal any more.
        tensor.buffer = len(model.buffers)
        model.buffers.append(BufferT(data=values.astype("float32").view("uint8")))
        for node in nodes:
            if (node.inputs[1], node.inputs[2]) == (kernel, bias):
                node.inputs[2] = graph.tensors.index(tensor)
    return pack(model)


def _convolution_operators(model):
    graph = model.subgraphs[0]
    for (operator, _), node in zip(operators(model), graph.operators, strict=True):
        if operator in _CONVOLUTIONS and is_constant(model, graph.tensors[node.inputs[1]]):
            yield operator, node


def _activations(model):
    """Indices of the float tensors that depend on the image."""
    from ai_edge_litert.schema_py_generated import TensorType

    return [
        i
        for i, tensor in enumerate(model.subgraphs[0].tensors)
        if tensor.type == TensorType.FLOAT32 and not is_constant(model, tensor)
    ]


def _constant(model, tensor):
    return model.buffers[tensor.buffer].data.view("float32").reshape(tensor.shape)
