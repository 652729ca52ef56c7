"""Asks TensorFlow what a SavedModel holds: signatures, their tensors, and the operators."""

import collections

_CALLS = ("PartitionedCall", "StatefulPartitionedCall")
# What holds and passes values on, and computes nothing.
_PLUMBING = {*_CALLS, "Const", "Identity", "NoOp", "Placeholder", "ReadVariableOp"}
_IMAGE_RANGE = (0.0, 255.0)


def list_signatures(loaded):
    """Lists what goes in and comes out of each signature.

    Args:
        loaded: what `tf.saved_model.load` gives.

    Returns:
        dict, name to a dict of `inputs` and `outputs`, tuples of dicts as in `Artefact`.
    """
    return {
        name: {
            "inputs": _tensors(function.structured_input_signature[1]),
            "outputs": _tensors(function.structured_outputs),
        }
        for name, function in loaded.signatures.items()
    }


def list_operators(loaded, signature):
    """Counts the operators of a signature: dict, operator to count, most frequent first.

    Args:
        loaded: what `tf.saved_model.load` gives.
        signature: str.
    """
    graph = loaded.signatures[signature].graph.as_graph_def()
    functions = {each.signature.name: each.node_def for each in graph.library.function}
    counts, waiting = collections.Counter(), list(graph.node)
    while waiting:
        node = waiting.pop()
        if node.op in _CALLS:
            waiting += functions[node.attr["f"].func.name]
        elif node.op not in _PLUMBING:
            counts[node.op] += 1
    return dict(counts.most_common())


def _tensors(specs):
    return tuple(
        {
            "name": name,
            "shape": spec.shape.as_list(),
            "dtype": spec.dtype.name,
            "range": _IMAGE_RANGE if spec.shape.rank == 4 else None,
        }
        for name, spec in specs.items()
    )
