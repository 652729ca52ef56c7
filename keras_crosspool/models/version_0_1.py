"""Models of version 0.1, whose structure stood in the names of their layers."""

from keras_crosspool.graphs import graph_inputs, graph_outputs
from keras_crosspool.models.branches import restore_branch
from keras_crosspool.models.classifier import CrossPoolClassifier
from keras_crosspool.models.limited_dense import LimitedDense


def from_version_0_1(model, metadata):
    """The classifier that a plain functional model of version 0.1 is; it takes over the layers.

    Args:
        model: functional `keras.Model` with a last layer `logits`.
        metadata: its `ModelMetadata`.

    Returns:
        `CrossPoolClassifier` with the same logits.
    """
    inputs = graph_inputs(model)
    names = {id(output): name for name, output in graph_outputs(model).items()}
    descriptors = inputs["logits"]
    if names[id(descriptors[0])] == "descriptor":
        descriptors = inputs["descriptor"]
    branches = [
        restore_branch(_config(names[id(descriptor)], inputs), model) for descriptor in descriptors
    ]
    return CrossPoolClassifier(
        model.inputs[0],
        branches,
        metadata.class_names,
        metadata.task,
        metadata.thresholds,
        LimitedDense.of(model.get_layer("logits")),
        name=model.name,
    )


def _config(name, layers):
    """The roles of the layers of a branch whose descriptor comes from the layer of a name."""
    if name == "grid_pooling":
        return {
            "kind": "GridBranch",
            "grid": "region_grid",
            "projection": "grid_regions",
            "guidance": "grid_guidance",
            "pooling": name,
        }
    if name.endswith("average_norm"):
        pooling = name.replace("norm", "pooling")
        grid = "region_grid" if name.startswith("region") else None
        return {"kind": "AverageBranch", "pooling": pooling, "norm": name, "grid": grid}
    prefix = name.removesuffix("pooling")
    selection = f"{prefix}guidance"
    return {
        "kind": "WindowBranch",
        "windows": f"{prefix}regions",
        "selection": selection if selection in layers else None,
        "pooling": name,
    }
