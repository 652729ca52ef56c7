"""Fits the branches on a region grid: projection, guidance, and descriptors from cached grids."""

import dataclasses

import keras
import numpy as np
from keras import ops

from keras_crosspool.closed_form.branch import Branch
from keras_crosspool.closed_form.classifier import cross_validation_folds
from keras_crosspool.closed_form.guidance import train_guidance
from keras_crosspool.keras_backend import batch_predictor
from keras_crosspool.models.grid_branch import GridBranch
from keras_crosspool.progress import track

_BATCH = 64
_GRID_WEIGHT = 0.5  # at most, of windows on a tuned network; measured


def has_region_grid(model):
    """Whether a zoo model has branches on a region grid."""
    return bool(_on_grid(model))


def stays_untuned(model):
    """Whether the region grids of a zoo model have a network beside the one that is tuned."""
    return all(branch.grid.network is not model.backbone for branch in _on_grid(model))


def choice_when_tuned(model, choice):
    """The choice that was made on the network as it was, for the tuned one.

    Cross-validation gave region grids their weight beside windows that knew less. Once the windows
    stand on the tuned network, a grid on the old one counts at most half as much.

    Args:
        model: `CrossPoolClassifier`.
        choice: `Choice`, made before its network was tuned.

    Returns:
        `Choice`; alpha and calibration are those of before.
    """
    on_grid = np.array([branch.grid is not None for branch in model.branches])
    if on_grid.all() or not on_grid.any():
        return choice
    weights = np.array(choice.weights)
    most = _GRID_WEIGHT * weights[~on_grid].max()
    weights = np.where(on_grid, np.minimum(weights, most), weights)
    return dataclasses.replace(choice, weights=tuple((weights / np.linalg.norm(weights)).tolist()))


def fit_regions(model, grids, split, options, cross_fit=True):
    """Fits what stands on the region grid and computes its descriptors of the split.

    The guidance layer learns from the labels, so cross-validation on its descriptors would flatter:
    it is trained once more for each fold, without that fold.

    Args:
        model: zoo model with a region grid.
        grids: float `(images, rows, columns, D)`, from `load_region_grids`.
        split: `Split` of the training images.
        options: `GuidanceConfig`.
        cross_fit: bool, whether cross-validation is to follow. Defaults to `True`.

    Returns:
        dict, branch name to its `Branch`, a row an image.
    """
    regions = {}
    for branch in _on_grid(model):
        if isinstance(branch, GridBranch):
            fold_grams = _fit_branch(branch, grids, split, options, cross_fit)
            regions[branch.name] = fold_grams
    computed = compute_grid_descriptors(model, grids)
    return {
        name: dataclasses.replace(rows, fold_grams=regions.get(name, {}))
        for name, rows in computed.items()
    }


def compute_grid_descriptors(model, grids):
    """Computes the descriptors of the branches on region grids, as the model stands.

    Args:
        model: zoo model with a region grid.
        grids: float `(images, rows, columns, D)`.

    Returns:
        dict, branch name to its `Branch`, a row an image.
    """
    branches = _on_grid(model)
    outputs = {branch.name: branch.descriptor for branch in branches}
    extractor = batch_predictor(keras.Model(branches[0].maps, outputs))
    rows = [extractor(batch) for batch in _batches(grids)]
    return {name: Branch(np.concatenate([row[name] for row in rows])) for name in outputs}


def _on_grid(model):
    return [branch for branch in model.branches if branch.grid is not None]


def _fit_branch(branch, grids, split, options, cross_fit):
    """Fits projection and guidance; the Gram matrices without each fold where labels are used."""
    branch.projection.adapt(_batches(grids))
    if not branch.trains_guidance:
        branch.guidance.adapt(_batches(grids))
        return {}
    features = np.concatenate([ops.convert_to_numpy(branch.projection(x)) for x in _batches(grids)])
    folds = _folds(split) if cross_fit else None
    return _fit_guidance(branch, features, split, folds, options)


def _fit_guidance(branch, features, split, folds, options):
    """Trains the guidance layer; the inner products of descriptors that know nothing of a fold."""
    layer, pooling = branch.guidance, branch.pooling
    targets = split.task.targets(split.labels, len(split.class_names))
    first, fold_grams = layer.get_weights(), {}
    learns = folds is not None and options.guidance_epochs
    # Last without any fold left out: the guidance that stays.
    for fold in track([*(np.unique(folds) if learns else ()), None], "guidance layer"):
        chosen = np.full(len(features), True) if fold is None else folds != fold
        layer.set_weights(first)
        train_guidance(layer, features[chosen], targets[chosen], split.task.loss(), options)
        if fold is not None:
            rows = [ops.convert_to_numpy(pooling([x, layer(x)])) for x in _batches(features)]
            rows = np.concatenate(rows)
            fold_grams[fold] = rows @ rows.T
    return fold_grams


def _folds(split):
    groups = np.array(split.groups or range(split.size))
    return cross_validation_folds(split.labels, groups)


def _batches(rows):
    for start in range(0, len(rows), _BATCH):
        yield np.asarray(rows[start : start + _BATCH], "float32")
