"""Functional Keras models as graphs: their nodes, their parts, the same network at another size.

Keras is imported in the functions: importing it first of all here would register the layers, which
need this module (see `keras_crosspool/__init__.py`).
"""

import functools

from keras_crosspool.keras_internals import call_arguments, graph_nodes


def graph_outputs(model):
    """Maps the name of every layer and operation of a functional model to its output."""
    return {node.operation.name: node.output_tensors[0] for node in graph_nodes(model)}


def graph_inputs(model):
    """Maps the name of every layer and operation of a functional model to its list of inputs.

    Other than `layer.input` this holds also for layers that stand in several models.
    """
    return {node.operation.name: list(node.input_tensors) for node in graph_nodes(model)}


def last_map(model):
    """Name of the layer that ends the convolutional part: the last one whose output is a map.

    Raises:
        ValueError: if no output is a map, `(batch, height, width, channels)`.
    """
    names = [name for name, output in graph_outputs(model).items() if len(output.shape) == 4]
    if len(names) < 2:  # the image itself is one
        raise ValueError(
            "Expected an image network with feature maps, (batch, height, width, channels). "
            f"Received: {model.name} with the outputs {model.output_shape}"
        )
    return names[-1]


def split_at(model, layer_name):
    """Cuts a functional model in two after a layer; both parts use the model's own layers.

    Args:
        model: functional `keras.Model` with one input and one output.
        layer_name: str, a layer that every path from input to output goes through.

    Returns:
        The model up to the layer and the model from there on.

    Raises:
        ValueError: if there is no such layer, or paths go past it.

    Example:

    >>> backbone = keras_crosspool.backbones.create_backbone("EfficientNetLite0")
    >>> early, late = split_at(backbone.model, "block3b_add")
    >>> early.output_shape, late.output_shape
    ((None, 28, 28, 40), (None, 7, 7, 1280))
    """
    import keras

    outputs = graph_outputs(model)
    if layer_name not in outputs:
        raise ValueError(f"{model.name} has no layer of this name. Received: {layer_name!r}")
    if _passed(graph_nodes(model), layer_name):
        raise ValueError(
            f"{model.name} cannot be cut after this layer: some paths go past it, as inside a "
            f"residual block; name the last layer of a block. Received: {layer_name!r}"
        )
    cut = outputs[layer_name]
    return keras.Model(model.inputs[0], cut), keras.Model(cut, model.outputs[0])


def at_size(model, height, width):
    """The same network, with the same weights, for inputs of another height and width.

    Args:
        model: functional `keras.Model`, `(batch, height, width, channels)` in, or channels first.
        height: int.
        width: int.

    Returns:
        A functional `keras.Model` of the same layers.
    """
    import keras

    image = model.inputs[0]
    if keras.config.image_data_format() == "channels_first":
        shape = image.shape[1], height, width
    else:
        shape = height, width, image.shape[-1]
    inputs = keras.Input(shape, dtype=image.dtype)
    return keras.Model(inputs, applied(model, inputs), name=model.name)


def applied(model, inputs):
    """Calls the layers of a functional model, one by one, on another symbolic input.

    Other than by calling the model itself, the layers become the caller's own: a model made of
    several applications saves each layer and its weights once.

    Args:
        model: functional `keras.Model` with one input.
        inputs: symbolic tensor.

    Returns:
        The symbolic outputs, in the model's structure.
    """
    import keras

    tensors = {id(model.inputs[0]): inputs}
    for node in graph_nodes(model):
        if node.is_input:
            continue
        args, kwargs = call_arguments(node, tensors)
        outputs = keras.tree.flatten(_call(node.operation, *args, **kwargs))
        tensors.update(zip(map(id, node.output_tensors), outputs, strict=True))
    return keras.tree.map_structure(lambda tensor: tensors[id(tensor)], model.output)


def _call(operation, *args, **kwargs):
    import keras

    if isinstance(operation, keras.Sequential):  # it would hold on to the size it was built for
        return functools.reduce(lambda x, layer: layer(x), operation.layers, *args)
    return operation(*args, **kwargs)


def _passed(nodes, layer_name):
    """Whether a tensor from before the layer is used after it."""
    last = [node.operation.name for node in nodes].index(layer_name)
    ahead = _ancestors(nodes, last)
    before = {id(tensor) for index in ahead for tensor in nodes[index].output_tensors}
    after = set(range(len(nodes))) - ahead - {last}
    return any(id(tensor) in before for index in after for tensor in nodes[index].input_tensors)


def _ancestors(nodes, last):
    """Indices of the nodes that the node at `last` is computed from."""
    found, wanted = set(), {id(tensor) for tensor in nodes[last].input_tensors}
    for index in range(last - 1, -1, -1):
        if any(id(tensor) in wanted for tensor in nodes[index].output_tensors):
            found.add(index)
            wanted |= {id(tensor) for tensor in nodes[index].input_tensors}
    return found
