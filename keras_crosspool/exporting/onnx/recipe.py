"""Recipes: what of an ONNX graph becomes int8, and how the runtime that is meant wants it."""

import dataclasses
from collections.abc import Callable

from keras_crosspool.exporting.convolution import paired_steps, plain_steps
from keras_crosspool.exporting.onnx import graph as onnx_graph


@dataclasses.dataclass(frozen=True)
class Recipe:
    """How a graph becomes int8 for one runtime.

    Args:
        name: str, the runtime.
        operators: the operator types that become int8.
        activations: `"QInt8"` or `"QUInt8"`.
        options: dict, further options of ONNX Runtime's quantiser.
        left_out: function of the graph that gives the names of the nodes that stay in float.
        steps: function of a kernel `(outputs, rows, columns, inputs of a group)` that gives the
            size of an int8 step for each output.
        head_in_half: bool, whether the head's large weights, which stay in float, are kept in
            float16.
    """

    name: str
    operators: tuple[str, ...]
    activations: str
    options: dict
    left_out: Callable
    steps: Callable
    head_in_half: bool


def _products_of_maps(graph):
    """The products without weights: `A^T X`, whose sums eight bits would destroy."""
    weights = {tensor.name for tensor in graph.initializer}
    return [
        node.name
        for node in graph.node
        if node.op_type in ("Gemm", "MatMul") and not weights & set(node.input)
    ]


def _border_and_head(graph):
    """All before the first convolution and after the last one."""
    kinds = [node.op_type for node in graph.node]
    first = kinds.index("Conv") if "Conv" in kinds else 0
    nodes = [*list(graph.node)[:first], *onnx_graph.head_nodes(graph)]
    return [node.name for node in nodes]


_TENSORRT_OPERATORS = ("Conv", "Gemm", "MatMul")

# Symmetric, float bias and no pair behind an operator: all that TensorRT parses.
TENSORRT = Recipe(
    name="TensorRT",
    operators=_TENSORRT_OPERATORS,
    activations="QInt8",
    options={
        "ActivationSymmetric": True,
        "WeightSymmetric": True,
        "QuantizeBias": False,
        "OpTypesToExcludeOutputQuantization": list(_TENSORRT_OPERATORS),
    },
    left_out=_products_of_maps,
    steps=plain_steps,
    head_in_half=False,
)

# Pairs before and behind each operator and an int32 bias: then ONNX Runtime computes in integers
# from the first convolution to the last, and a clip is the range of the pair behind it.
ONNX_RUNTIME = Recipe(
    name="ONNX Runtime",
    operators=("Conv", "Add", "Clip", "Relu", "Concat", "MaxPool", "AveragePool", "Pad"),
    activations="QUInt8",
    options={"WeightSymmetric": True},
    left_out=_border_and_head,
    steps=paired_steps,
    head_in_half=True,
)
