"""The closed-form fit: projections, guidance and classifiers of the branches of zoo models."""

import dataclasses
import math

import keras
import numpy as np

from keras_crosspool.array_file import release, scratch_array
from keras_crosspool.closed_form.branch import Branch
from keras_crosspool.closed_form.classifier import solve_branches
from keras_crosspool.closed_form.options import SolverOptions
from keras_crosspool.closed_form.plan import ProblemSize
from keras_crosspool.closed_form.views import Views
from keras_crosspool.config.solver_config import SolverConfig
from keras_crosspool.distribution import ONE_DEVICE
from keras_crosspool.keras_backend import batch_predictor
from keras_crosspool.numerics.projection import project, random_projection
from keras_crosspool.progress import track

WHOLE_IMAGES = Views()


@dataclasses.dataclass(frozen=True)
class Descriptors:
    """Descriptors of a split, or of a worker's part of it, by models that share one input.

    Attributes:
        branches: dict, branch name to its `Branch`; each has `n` rows.
        labels: int `(n,)`, or multi-hot `(n, num_classes)`.
        images: int `(n,)`, the image that each row is a view of.
        groups: int `(n,)`, the session of each row, or its image: what stays together in
            cross-validation.
        form: str, the form in which classifiers are to be solved on them.
    """

    branches: dict
    labels: np.ndarray
    images: np.ndarray
    groups: np.ndarray
    form: str = "gram"


def adapt_head(model, split, image_size, batch_size=32, distribution=ONE_DEVICE):
    """Fits the PCA of the windows and selects the guidance, in one pass over a split.

    Args:
        model: zoo model; one without such layers is left as it is.
        split: `Split` of training images.
        image_size: int, side in pixels.
        batch_size: int. Defaults to `32`.
        distribution: `Distribution`, whose workers go through a part of the split each; all of
            them get the layers that one would. Defaults to one device.

    Raises:
        ValueError: if there are fewer images than workers, or too few for the projection.
    """
    adapted = [pair for branch in model.branches for pair in branch.adapted]
    if not adapted:
        return
    layers, inputs = zip(*adapted, strict=True)
    maps_of = batch_predictor(keras.Model(model.input, list(inputs)))
    part, _ = _own_part(split, distribution)
    for images, _ in track(part.batches(image_size, batch_size), "principal components"):
        # Keras unpacks a list of one output.
        maps = keras.tree.flatten(maps_of(np.asarray(images, "float32")))
        for layer, layer_maps in zip(layers, maps, strict=True):
            layer.update_state(layer_maps)
    for layer in layers:
        layer.finalize_state(all_reduce=distribution.all_reduce if distribution.size > 1 else None)


def compute_descriptors(
    models,
    split,
    image_size,
    batch_size=32,
    views=WHOLE_IMAGES,
    regions=None,
    solver=SolverOptions(),  # noqa: B008, it is frozen
    distribution=ONE_DEVICE,
):
    """Computes the descriptors of a split by the branches of models that share one input.

    The solver is planned first, by the size of the problem: the descriptors are kept as it needs
    them. For the Gram matrix they stay as they are, in memory or, from 1 GB on, in a scratch
    file; for the streamed forms they lie in a scratch file, projected if they are too long.

    Branches on a region grid are given in `regions`; the regions are crops of the
    whole image already, and every view of an image gets its image's descriptor.

    Args:
        models: list of zoo models on the same input.
        split: `Split`.
        image_size: int, side in pixels.
        batch_size: int. Defaults to `32`.
        views: `Views`, for the other branches. Defaults to the whole images.
        regions: dict, name of a branch on a region grid to its `Branch`, a row an image.
            Defaults to none.
        solver: `SolverOptions`, how classifiers are to be solved on the descriptors. Defaults to
            the ridge in the form that suits.
        distribution: `Distribution`, each of whose workers takes a part of the split.
            Defaults to one device.

    Returns:
        `Descriptors` of this worker's part, in the order of `views.batches`; of whole images
        alone where there is no other branch than those of `regions`.

    Raises:
        ValueError: if no form of the solver fits the memory, or there are fewer images than
            workers.
        OSError: if the scratch file does not fit on the disk.
    """
    regions = regions or {}
    outputs = {branch.name: branch.descriptor for model in models for branch in model.branches}
    of_images = {name: x for name, x in outputs.items() if name not in regions}
    size = ProblemSize(
        rows=split.size * (views.count if of_images else 1),
        dims=tuple(x.shape[-1] for x in outputs.values()),
        num_classes=len(split.class_names),
        kept_dims=tuple(x.shape[-1] for x in of_images.values()),
        workers=distribution.size,
    )
    part, first = _own_part(split, distribution)
    gram_only = any(branch.fold_grams for branch in regions.values())
    plan = solver.plan(size, gram_only, distribution)
    projections = {
        name: random_projection(x.shape[-1], plan.width or x.shape[-1])
        for name, x in outputs.items()
    }
    computed = {name: project(x.descriptors, projections[name]) for name, x in regions.items()}
    labels, images = part.labels, np.arange(part.size)
    if of_images:
        extractor = batch_predictor(keras.Model(models[0].input, of_images))
        total = views.count * math.ceil(part.size / batch_size)
        batches = track(views.batches(part, image_size, batch_size), "descriptors", total=total)
        stores = _stores(of_images, projections, views.count * part.size, plan)
        labels, images = _fill(stores, extractor, batches, projections)
        computed |= stores
    images = first + images
    branches = {
        name: dataclasses.replace(
            regions.get(name, Branch(rows)),
            descriptors=rows,
            rows=images if name in regions else None,
            projection=projections[name],
            distribution=distribution,
        )
        for name, rows in computed.items()
    }
    groups = np.array(split.groups or range(split.size))
    return Descriptors(branches, labels, images, groups[images], plan.form)


def solve_models(
    models, descriptors, method="ridge", reject_rate=SolverConfig.reject_rate, kept=None
):
    """Solves the classifiers of models and writes them in.

    Args:
        models: list of zoo models.
        descriptors: `Descriptors` of the training images.
        method: `"ridge"` or `"svm"`. Defaults to `"ridge"`.
        reject_rate: float, the share of images of the classes that may be said to be of none.
            Defaults to that of `SolverConfig`.
        kept: list of `Choice`, one a model, made before; see `solve_branches`. Defaults to none:
            cross-validation chooses.

    Returns:
        List of `LinearClassifier`, one a model.
    """
    classifiers = []
    for model, choice in zip(models, kept or [None] * len(models), strict=True):
        branches = [descriptors.branches[branch.name] for branch in model.branches]
        classifier = solve_branches(
            branches,
            descriptors.labels,
            model.output_shape[-1],
            method,
            descriptors.images,
            descriptors.groups,
            form=descriptors.form,
            reject_rate=reject_rate,
            kept=choice,
        )
        classifier.write_to(model.classifier)
        classifiers.append(classifier)
    return classifiers


def _own_part(split, distribution):
    """This worker's part of a split, and the index of its first image."""
    if split.size < distribution.size:
        raise ValueError(
            "Each worker needs an image at least: take fewer workers. "
            f"Received: {split.size} images, {distribution.size} workers"
        )
    part = split.part(distribution.rank, distribution.size)
    return part, split.size * distribution.rank // distribution.size


def _stores(outputs, projections, rows, plan):
    """Room for descriptors: memory, or scratch files that are gone with the last use of them."""
    stores = {}
    for name, x in outputs.items():
        projection = projections[name]
        shape = rows, x.shape[-1] if projection is None else projection.shape[0]
        stores[name] = scratch_array("float32", shape) if plan.disk else np.empty(shape, "float32")
    return stores


def _fill(stores, extractor, batches, projections):
    """Stores the descriptors of all views; gives their labels and the images they show."""
    labels, images, start = [], [], 0
    for shown, batch_labels, indices in batches:
        for name, rows in extractor(shown).items():
            stores[name][start : start + len(rows)] = project(rows, projections[name])
            release(stores[name])
        labels.append(batch_labels)
        images.append(indices)
        start += len(shown)
    return np.concatenate(labels), np.concatenate(images)
