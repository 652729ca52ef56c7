"""Fits the branches on a region grid: projection, guidance, and descriptors from cached grids."""

import dataclasses

import keras
import numpy as np

from keras_crosspool.closed_form.branch import Branch
from keras_crosspool.closed_form.classifier import cross_validation_folds
from keras_crosspool.closed_form.guidance import train_guidance
from keras_crosspool.graphs import graph_outputs
from keras_crosspool.layers import GuidanceSelection
from keras_crosspool.models.branches import GRID_LAYER, on_grid
from keras_crosspool.models.zoo import branches_of
from keras_crosspool.progress import track

_BATCH = 64


def has_region_grid(model):
    """Whether a zoo model has branches on a region grid."""
    return any(on_grid(name) for name in branches_of(model))


def fit_regions(model, grids, split, options, cross_fit=True):
    """Fits what stands on the region grid and describes the split by it.

    The guidance layer learns from the labels, so cross-validation on its descriptors would flatter:
    it is trained once more for each fold, without that fold.

    Args:
        model: zoo model with a region grid.
        grids: float `(pictures, rows, columns, D)`, from `load_region_grids`.
        split: `Split` of the training pictures.
        options: `GuidanceTraining`.
        cross_fit: bool, whether cross-validation is to follow. Defaults to `True`.

    Returns:
        dict, branch name to its `Branch`, a row a picture.
    """
    fold_grams = {}
    if "grid_pooling" in branches_of(model):
        projection = model.get_layer("grid_regions")
        projection.adapt(_batches(grids))
        guidance = model.get_layer("grid_guidance")
        if isinstance(guidance, GuidanceSelection):
            guidance.adapt(_batches(grids))
        else:
            features = np.concatenate([np.asarray(projection(x)) for x in _batches(grids)])
            folds = _folds(split) if cross_fit else None
            fold_grams = _fit_guidance(model, features, split, folds, options)
    regions = describe_regions(model, grids)
    if fold_grams:
        regions["grid_pooling"] = dataclasses.replace(
            regions["grid_pooling"], fold_grams=fold_grams
        )
    return regions


def describe_regions(model, grids):
    """Describes pictures by the branches on their region grids, as the model stands.

    Args:
        model: zoo model with a region grid.
        grids: float `(pictures, rows, columns, D)`.

    Returns:
        dict, branch name to its `Branch`, a row a picture.
    """
    outputs = {name: x for name, x in branches_of(model).items() if on_grid(name)}
    describe = keras.Model(graph_outputs(model)[GRID_LAYER], outputs)
    rows = [describe.predict_on_batch(batch) for batch in _batches(grids)]
    return {name: Branch(np.concatenate([row[name] for row in rows])) for name in outputs}


def _fit_guidance(model, features, split, folds, options):
    """Trains the guidance layer; the inner products of descriptors that know nothing of a fold."""
    layer, pooling = model.get_layer("grid_guidance"), model.get_layer("grid_pooling")
    targets = np.asarray(split.task.targets(split.labels, len(split.class_names)))
    first, fold_grams = layer.get_weights(), {}
    learns = folds is not None and options.guidance_epochs
    # Last without any fold left out: the guidance that stays.
    for fold in track([*(np.unique(folds) if learns else ()), None], "guidance layer"):
        chosen = np.full(len(features), True) if fold is None else folds != fold
        layer.set_weights(first)
        train_guidance(layer, features[chosen], targets[chosen], split.task.loss(), options)
        if fold is not None:
            rows = [np.asarray(pooling([x, layer(x)])) for x in _batches(features)]
            rows = np.concatenate(rows)
            fold_grams[fold] = rows @ rows.T
    return fold_grams


def _folds(split):
    groups = np.array(split.groups or range(split.size))
    return cross_validation_folds(split.labels, groups)


def _batches(rows):
    for start in range(0, len(rows), _BATCH):
        yield np.asarray(rows[start : start + _BATCH], "float32")
