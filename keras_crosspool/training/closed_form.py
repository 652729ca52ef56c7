"""The closed-form fit: projections, guidance and classifiers of the branches of zoo models."""

import dataclasses
import math

import keras
import numpy as np
from absl import logging

from keras_crosspool.data import picture_batches
from keras_crosspool.data.pipeline import split_labels
from keras_crosspool.graphs import graph_inputs
from keras_crosspool.layers import GuidanceSelection, LocalRegions
from keras_crosspool.models.branches import on_grid
from keras_crosspool.models.zoo import branches_of
from keras_crosspool.progress import track
from keras_crosspool.solvers import Branch, solve_branches
from keras_crosspool.training.views import Views

WHOLE_PICTURES = Views()


@dataclasses.dataclass(frozen=True)
class Descriptors:
    """Descriptors of a split, of the branches of models that share one input.

    Attributes:
        branches: dict, branch name to its `Branch`; each has `n` rows.
        labels: int `(n,)`, or multi-hot `(n, num_classes)`.
        groups: int `(n,)`, the picture each row comes from, or its group: what has to stay
            together in cross-validation.
    """

    branches: dict
    labels: np.ndarray
    groups: np.ndarray


def adapt_head(model, split, image_size, batch_size=32):
    """Fits the PCA of the windows and selects the guidance, in one pass over a split.

    Args:
        model: zoo model; one without such layers is left as it is.
        split: `Split` of training pictures.
        image_size: int, side in pixels.
        batch_size: int. Defaults to `32`.
    """
    inputs = graph_inputs(model)
    layers = [x for x in model.layers if isinstance(x, LocalRegions | GuidanceSelection)]
    layers = [x for x in layers if not on_grid(x.name)]
    if not layers:
        return
    maps_of = keras.Model(model.input, [inputs[layer.name][0] for layer in layers])
    for pictures, _ in track(
        picture_batches(split, image_size, batch_size), "principal components"
    ):
        maps = _outputs(maps_of, np.asarray(pictures, "float32"))
        for layer, layer_maps in zip(layers, maps, strict=True):
            layer.update_state(layer_maps)
    for layer in layers:
        layer.finalize_state()


def describe(models, split, image_size, batch_size=32, views=WHOLE_PICTURES, regions=None):
    """Describes a split by the branches of models that share one input.

    Branches on a region grid are given in `regions`; they describe the whole picture, of which
    the regions are crops already, and every view of a picture gets its picture's descriptor.

    Args:
        models: list of zoo models on the same input.
        split: `Split`.
        image_size: int, side in pixels.
        batch_size: int. Defaults to `32`.
        views: `Views`, for the other branches. Defaults to the whole pictures.
        regions: dict, name of a branch on a region grid to its `Branch`, a row a picture.
            Defaults to none.

    Returns:
        `Descriptors`, in the order of `views.batches`; of whole pictures alone where there is no
        other branch than those of `regions`.
    """
    regions = regions or {}
    outputs = {name: x for model in models for name, x in branches_of(model).items()}
    outputs = {name: x for name, x in outputs.items() if name not in regions}
    rows, labels, pictures = _run(models[0].input, outputs, split, image_size, batch_size, views)
    branches = {name: Branch(descriptors) for name, descriptors in rows.items()}
    for name, branch in regions.items():
        branches[name] = dataclasses.replace(branch, rows=pictures)
    groups = np.array(split.groups or range(split.size))
    return Descriptors(branches, labels, groups[pictures])


def solve_models(models, described, method="ridge"):
    """Solves the classifiers of models and writes them in.

    Args:
        models: list of zoo models.
        described: `Descriptors` of the training pictures.
        method: `"ridge"` or `"svm"`. Defaults to `"ridge"`.

    Returns:
        List of `LinearClassifier`, one a model.
    """
    classifiers = []
    for model in models:
        branches = [described.branches[name] for name in branches_of(model)]
        classifier = solve_branches(
            branches, described.labels, model.output_shape[-1], method, described.groups
        )
        model.get_layer("logits").set_weights([classifier.kernel, classifier.bias])
        classifiers.append(classifier)
    return classifiers


def _run(picture, outputs, split, image_size, batch_size, views):
    """Descriptors of all views by name, their labels and the pictures they come from."""
    if not outputs:
        return {}, split_labels(split), np.arange(split.size)
    extractor = keras.Model(picture, list(outputs.values()))
    total = views.count * split.size
    rows = [np.empty((total, x.shape[-1]), "float32") for x in outputs.values()]
    logging.info("descriptors take %.2f GB of memory", sum(x.nbytes for x in rows) / 1e9)
    labels = np.empty((total, *split.task.label_shape(len(split.class_names))), int)
    pictures = np.empty(total, int)
    start = 0
    batches = views.batches(split, image_size, batch_size)
    for shown, batch_labels, indices in track(
        batches, "descriptors", total=views.count * math.ceil(split.size / batch_size)
    ):
        place = slice(start, start + len(shown))
        for target, batch in zip(rows, _outputs(extractor, shown), strict=True):
            target[place] = batch
        labels[place], pictures[place] = batch_labels, indices
        start += len(shown)
    return dict(zip(outputs, rows, strict=True)), labels, pictures


def _outputs(model, pictures):
    # Keras unpacks a list of one output.
    return keras.tree.flatten(model.predict_on_batch(pictures))
