"""Reads a TFLite file: its operators, its tensors, and what the CPU delegate takes over."""

import collections

from keras_crosspool.exporting.tflite.container import parse

_IMAGE_RANGE = (0.0, 255.0)
_GPU_WARNING = "GPU COMPATIBILITY WARNING:"
_PIXEL_BY_PIXEL = ("MUL", "ADD", "SUB", "DIV")


def list_operators(content):
    """Counts the operators of a TFLite file.

    Args:
        content: bytes of the file.

    Returns:
        dict, operator to count, most frequent first.

    Raises:
        ValueError: if one is a Flex or custom operator, which only some runtimes have.
    """
    model = parse(content)
    custom = [code.customCode.decode() for code in model.operatorCodes if code.customCode]
    if custom:
        raise ValueError(
            "The file uses operators that TFLite lacks, so not every runtime can run "
            f"it. Received: {', '.join(custom)}"
        )
    return _count(name for name, _ in operators(model))


def list_float_operators(content):
    """Counts the operators of a quantised TFLite file that still compute in float.

    Args:
        content: bytes of the file.

    Returns:
        dict, operator to count, most frequent first.
    """
    from ai_edge_litert.schema_py_generated import TensorType

    computing = (name for name, dtype in operators(parse(content)) if dtype == TensorType.FLOAT32)
    return _count(name for name in computing if name != "DEQUANTIZE")


def tensor_wiring(content):
    """Lists what each operator of a TFLite file makes of what.

    Args:
        content: bytes of the file.

    Returns:
        list of pairs: name of the output, names of the inputs that are no constants, in order.
    """
    model = parse(content)
    graph = model.subgraphs[0]
    names = [tensor.name.decode() for tensor in graph.tensors]
    constant = [is_constant(model, tensor) for tensor in graph.tensors]
    return [
        (names[node.outputs[0]], [names[i] for i in node.inputs if i >= 0 and not constant[i]])
        for node in graph.operators
    ]


def pixel_tensors(content):
    """Names of the tensors computed from the image pixel by pixel, the image first.

    Args:
        content: bytes of a TFLite file.

    Returns:
        list of str.
    """
    model = parse(content)
    graph = model.subgraphs[0]
    found = [graph.tensors[graph.inputs[0]].name.decode()]
    kinds = [name for name, _ in operators(model)]
    for operator, (output, inputs) in zip(kinds, tensor_wiring(content), strict=False):
        if operator in _PIXEL_BY_PIXEL and inputs and set(inputs) <= set(found):
            found.append(output)
    return found


def is_constant(model, tensor):
    """Whether a tensor of a parsed model holds data of its own."""
    data = model.buffers[tensor.buffer].data
    return data is not None and len(data) > 0


def operators(model):
    """Yields the name of each operator of a parsed model and the type of its first output."""
    from ai_edge_litert.tools import flatbuffer_utils

    for subgraph in model.subgraphs:
        for operator in subgraph.operators:
            name = flatbuffer_utils.opcode_to_name(model, operator.opcodeIndex)
            yield name, subgraph.tensors[operator.outputs[0]].type


def _count(names):
    return dict(collections.Counter(names).most_common())


def list_tensors(content):
    """Lists the inputs and outputs of a TFLite file by the names of its signature.

    Args:
        content: bytes of the file.

    Returns:
        Pair of tuples of dicts with `name`, `shape`, `dtype`, `range` and, where the tensor is
        quantised, `scale` and `zero_point`.
    """
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=content)
    runner = interpreter.get_signature_runner()
    inputs = runner.get_input_details().items()
    outputs = runner.get_output_details().items()
    return (
        tuple(_tensor_info(name, tensor, _IMAGE_RANGE) for name, tensor in inputs),
        tuple(_tensor_info(name, tensor, None) for name, tensor in outputs),
    )


def delegated_nodes(content):
    """Counts the nodes that the XNNPACK delegate takes over on this machine's CPU.

    Args:
        content: bytes of the file.

    Returns:
        dict with `delegate`, `nodes`, `delegated`, `partitions` and `left`, the operators that
        stay with the interpreter, with counts.
    """
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=content)
    interpreter.allocate_tensors()
    # The plan is not public: after delegation it holds the original nodes and then the partitions.
    plan = interpreter._get_ops_details()
    partitions = [node for node in plan if node["op_name"] == "DELEGATE"]
    nodes = [node for node in plan if node["op_name"] != "DELEGATE"]
    producers = {int(tensor): node for node in nodes for tensor in node["outputs"]}
    taken = set()
    for partition in partitions:
        taken |= _nodes_between(partition, producers)
    left = _count(node["op_name"] for node in nodes if node["index"] not in taken)
    return {
        "delegate": "XNNPACK",
        "nodes": len(nodes),
        "delegated": len(taken),
        "partitions": len(partitions),
        "left": left,
    }


def gpu_delegate(content):
    """Says whether the GPU delegate of phones takes a file whole, by LiteRT's own analyser.

    Args:
        content: bytes of the file.

    Returns:
        dict with `compatible` and `left`, one str for each operator that stays on the CPU.
    """
    from ai_edge_litert import _pywrap_analyzer_wrapper as analyzer

    text = analyzer.ModelAnalyzer(content, False, True)
    left = [line.partition(_GPU_WARNING)[2].strip() for line in text.splitlines()]
    return {"compatible": not any(left), "left": [each for each in left if each]}


def _nodes_between(partition, producers):
    """Indices of the nodes on the way from a partition's outputs back to its inputs."""
    borders = {int(tensor) for tensor in partition["inputs"]}
    waiting, found = [int(tensor) for tensor in partition["outputs"]], set()
    while waiting:
        tensor = waiting.pop()
        node = producers.get(tensor)
        if tensor in borders or node is None or node["index"] in found:
            continue
        found.add(node["index"])
        waiting += [int(source) for source in node["inputs"]]
    return found


def _tensor_info(name, tensor, value_range):
    shape = [int(size) if size > 0 else None for size in tensor["shape_signature"]]
    info = {
        "name": name,
        "shape": shape,
        "dtype": tensor["dtype"].__name__,
        "range": value_range,
    }
    scales = tensor["quantization_parameters"]["scales"]
    if len(scales):
        scale, zero_point = tensor["quantization"]
        info |= {"scale": float(scale), "zero_point": int(zero_point)}
    return info
