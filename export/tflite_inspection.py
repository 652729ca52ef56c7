"""Reads a TFLite file: its operators, its tensors, and what the CPU delegate takes over."""

import collections

_PICTURE_RANGE = (0.0, 255.0)


def list_operators(content):
    """Counts the operators of a TFLite file.

    Args:
        content: bytes of the file.

    Returns:
        dict, operator to count, most frequent first.

    Raises:
        ValueError: if one is a Flex or custom operator, which only some runtimes have.
    """
    from ai_edge_litert.tools import flatbuffer_utils

    model = flatbuffer_utils.read_model_from_bytearray(bytearray(content))
    custom = [code.customCode.decode() for code in model.operatorCodes if code.customCode]
    if custom:
        raise ValueError(
            "The file uses operators that TFLite has not built in, so not every runtime can run "
            f"it. Received: {', '.join(custom)}"
        )
    counts = collections.Counter(
        flatbuffer_utils.opcode_to_name(model, operator.opcodeIndex)
        for subgraph in model.subgraphs
        for operator in subgraph.operators
    )
    return dict(counts.most_common())


def list_tensors(content):
    """Describes the inputs and outputs of a TFLite file by the names of its signature.

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
        tuple(_describe(name, tensor, _PICTURE_RANGE) for name, tensor in inputs),
        tuple(_describe(name, tensor, None) for name, tensor in outputs),
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
    left = collections.Counter(n["op_name"] for n in nodes if n["index"] not in taken)
    return {
        "delegate": "XNNPACK",
        "nodes": len(nodes),
        "delegated": len(taken),
        "partitions": len(partitions),
        "left": dict(left.most_common()),
    }


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


def _describe(name, tensor, value_range):
    shape = [int(size) if size > 0 else None for size in tensor["shape_signature"]]
    described = {
        "name": name,
        "shape": shape,
        "dtype": tensor["dtype"].__name__,
        "range": value_range,
    }
    scales = tensor["quantization_parameters"]["scales"]
    if len(scales):
        scale, zero_point = tensor["quantization"]
        described |= {"scale": float(scale), "zero_point": int(zero_point)}
    return described
