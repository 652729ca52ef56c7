"""Finds the chain of feature maps of any functional image network, from its graph alone.

The *trunk* is the set of tensors through which every path from the image to the output goes
(the dominators of the output). A convolution, or a block of them, between two trunk tensors makes
a new feature map; what follows without a kernel (normalisation, activation, residual sum, gate)
belongs to the same map, whose last tensor stands for it; pooling and padding make none.
"""

import dataclasses
import math

import keras

from keras_crosspool.keras_internals import graph_nodes

_GLOBAL_POOLING = (keras.layers.GlobalAveragePooling2D, keras.layers.GlobalMaxPooling2D)
_MERGES = (keras.layers.Add, keras.layers.Concatenate)


@dataclasses.dataclass(frozen=True)
class FeatureInfo:
    """One feature map of a backbone.

    Args:
        layer: name of the layer whose output is the map.
        stride: pixels of the input from one position of the map to the next (a power of two).
        channels: depth of the map.
        position: position in the chain of feature maps, from 0 at the image's end.
    """

    layer: str
    stride: int
    channels: int
    position: int


def find_feature_maps(model):
    """Lists the feature maps of a network in the order in which they follow each other.

    Args:
        model: a functional `keras.Model` with one image as input and one map as output.

    Returns:
        A tuple of `FeatureInfo`, the last one the network's last map. Only maps that the whole
        network goes through are listed: none from inside a residual or an inception block.
    """
    nodes = graph_nodes(model)
    segments = list(_segments(nodes))
    chain = list(_map_nodes(segments))
    if chain:
        _ensure_pair(chain, nodes, trunk=[segment[-1] for segment in segments])
    return tuple(_feature_info(node, model, position) for position, node in enumerate(chain))


def spatial_shape(tensor):
    """Height and width of a map, `(batch, height, width, channels)` or channels first."""
    first = 1 if keras.config.image_data_format() == "channels_last" else 2
    return tuple(tensor.shape[first : first + 2])


def _channels(tensor):
    return tensor.shape[-1 if keras.config.image_data_format() == "channels_last" else 1]


def _output(node):
    return node.output_tensors[0]


def _feature_info(node, model, position):
    ratio = spatial_shape(model.inputs[0])[0] / spatial_shape(_output(node))[0]
    stride = 2 ** round(math.log2(ratio))
    return FeatureInfo(node.operation.name, stride, _channels(_output(node)), position)


def _map_nodes(segments):
    """Yields the node that stands for each feature map: the last one of its segments."""
    current = None
    for segment in segments:
        output = _output(segment[-1])
        is_map = len(output.shape) == 4
        if is_map and any(_has_kernel(node) for node in segment):
            if current:
                yield current
            current = segment[-1]
        elif current and output.shape == _output(current).shape:
            current = segment[-1]
        elif current:  # Pooling or padding: the map before it is complete.
            yield current
            current = None
    if current:
        yield current


def _segments(nodes):
    """Cuts the graph at the trunk: each segment ends in a node that every path goes through."""
    index = {id(tensor): i for i, node in enumerate(nodes) for tensor in node.output_tensors}
    last_use = list(range(len(nodes)))
    for i, node in enumerate(nodes):
        for tensor in node.input_tensors:
            producer = index[id(tensor)]
            last_use[producer] = max(last_use[producer], i)
    gates = _gates(nodes)
    segment, furthest = [], 0
    for i, node in enumerate(nodes):
        if i not in gates:
            segment.append(node)
        # A node is in the trunk if no earlier tensor is used beyond it.
        if furthest <= i and segment:
            yield segment
            segment = []
        furthest = max(furthest, last_use[i])


def _gates(nodes):
    """Indices of the nodes fed by global pooling alone: squeeze-and-excitation, not a map."""
    gates, tensors = set(), set()
    for i, node in enumerate(nodes):
        sources = {id(tensor) for tensor in node.input_tensors}
        if isinstance(node.operation, _GLOBAL_POOLING) or (sources and sources <= tensors):
            gates.add(i)
            tensors |= {id(tensor) for tensor in node.output_tensors}
    return gates


def _has_kernel(node):
    """Whether the operation mixes positions or channels: scales and offsets are vectors only."""
    return any(len(weight.shape) > 1 for weight in getattr(node.operation, "weights", ()))


def _ensure_pair(chain, nodes, trunk):
    """Puts a map of the last one's shape before it where the trunk has none of its size.

    The cells of NASNet read the output of the cell before the last too, so no trunk runs between
    them: there the last merge layer of the same shape, the end of the cell before, is the map.
    """
    guidance = _output(chain[-1])
    if any(spatial_shape(_output(node)) == spatial_shape(guidance) for node in chain[:-1]):
        return
    for node in reversed(nodes[: nodes.index(chain[-1])]):
        is_merge = isinstance(node.operation, _MERGES) and node not in trunk
        if is_merge and _output(node).shape == guidance.shape:
            chain.insert(-1, node)
            return
