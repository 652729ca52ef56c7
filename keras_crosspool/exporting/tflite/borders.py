"""The first and the last operator of a TFLite file: bytes come in, probabilities go out.

The network between them stays as it was converted and quantised, byte for byte.
"""

import copy

from keras_crosspool.exporting.output_names import LOGITS, PROBABILITIES
from keras_crosspool.exporting.tflite.container import pack, parse, state_versions


def with_probabilities(content, task):
    """Adds the softmax of the logits, or their sigmoid, as the last operator.

    Args:
        content: bytes of a TFLite file with the output `logits`.
        task: str, `"single_label"` (softmax) or `"multi_label"` (sigmoid).

    Returns:
        bytes of a TFLite file with the output `probabilities`.
    """
    from ai_edge_litert import schema_py_generated as schema

    model = parse(content)
    graph, logits = model.subgraphs[0], model.subgraphs[0].outputs[0]
    probabilities = _tensor_like(graph.tensors[logits], PROBABILITIES)
    if (
        probabilities.type == schema.TensorType.INT8
    ):  # TFLite's own rule for both operators: eight bits from 0 to 1
        probabilities.quantization = schema.QuantizationParametersT(
            scale=[1 / 256], zeroPoint=[-128]
        )
    operator = schema.OperatorT(inputs=[logits], outputs=[_add(graph, probabilities)])
    if task == "multi_label":
        code = schema.BuiltinOperator.LOGISTIC
    else:
        code = schema.BuiltinOperator.SOFTMAX
        operator.builtinOptionsType = schema.BuiltinOptions.SoftmaxOptions
        operator.builtinOptions = schema.SoftmaxOptionsT(beta=1.0)
    operator.opcodeIndex = _operator_code(model, code)
    graph.operators.append(operator)
    _set_output(model, operator.outputs[0], PROBABILITIES)
    state_versions(model)
    return pack(model)


def without_probabilities(content):
    """Takes the last operator of `with_probabilities` off, so that the logits come out.

    Args:
        content: bytes of a TFLite file.

    Returns:
        bytes of a TFLite file with the output `logits`; a file that gives no probabilities stays
        as it is.
    """
    model = parse(content)
    if _signature(model).outputs[0].name.decode() != PROBABILITIES:
        return content
    last = model.subgraphs[0].operators.pop()
    _set_output(model, last.inputs[0], LOGITS)
    return pack(model)


def with_byte_input(content):
    """Adds a cast as the first operator, so that the bytes of an image go in as they are.

    Args:
        content: bytes of a TFLite file that takes float32 images of 0-255.

    Returns:
        bytes of a TFLite file that takes uint8 images.
    """
    from ai_edge_litert import schema_py_generated as schema

    model = parse(content)
    graph, image = model.subgraphs[0], model.subgraphs[0].inputs[0]
    taken = _tensor_like(graph.tensors[image], "image_bytes")
    taken.type = schema.TensorType.UINT8
    operator = schema.OperatorT(inputs=[_add(graph, taken)], outputs=[image])
    operator.builtinOptionsType = schema.BuiltinOptions.CastOptions
    operator.builtinOptions = schema.CastOptionsT(
        inDataType=schema.TensorType.UINT8, outDataType=schema.TensorType.FLOAT32
    )
    operator.opcodeIndex = _operator_code(model, schema.BuiltinOperator.CAST)
    graph.operators.insert(0, operator)
    graph.inputs = [operator.inputs[0]]
    _signature(model).inputs[0].tensorIndex = operator.inputs[0]
    state_versions(model)
    return pack(model)


def _tensor_like(tensor, name):
    """A tensor of the same shape and type without values of its own."""
    made = copy.copy(tensor)
    made.name, made.buffer = name.encode(), 0
    return made


def _add(graph, tensor):
    """Adds a tensor to a graph and gives its index."""
    graph.tensors.append(tensor)
    return len(graph.tensors) - 1


def _operator_code(model, code):
    """The index of an operator's code, which is added; `state_versions` gives it its version."""
    from ai_edge_litert import schema_py_generated as schema

    model.operatorCodes.append(
        schema.OperatorCodeT(deprecatedBuiltinCode=code, builtinCode=code, version=1)
    )
    return len(model.operatorCodes) - 1


def _set_output(model, index, name):
    model.subgraphs[0].outputs = [index]
    output = _signature(model).outputs[0]
    output.tensorIndex, output.name = index, name.encode()


def _signature(model):
    (signature,) = model.signatureDefs
    return signature
