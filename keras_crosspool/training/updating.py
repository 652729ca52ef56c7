"""Adds images and classes to a model, or removes some, without the images it was trained on."""

import dataclasses
import pathlib
import time

import numpy as np
from absl import logging

from keras_crosspool.closed_form.fit import compute_descriptors
from keras_crosspool.closed_form.region_branch import compute_grid_descriptors, has_region_grid
from keras_crosspool.closed_form.region_grids import load_region_grids
from keras_crosspool.closed_form.solved_basis import SolvedBasis
from keras_crosspool.closed_form.views import Views
from keras_crosspool.config.solver_config import SolverConfig
from keras_crosspool.data import open_split
from keras_crosspool.data.layout import ALL, has_splits
from keras_crosspool.data.table import read_table
from keras_crosspool.files import scratch_directory
from keras_crosspool.models.classifier import CrossPoolClassifier
from keras_crosspool.models.directory import check_replaceable, load_model, save_model
from keras_crosspool.models.training_scores import SolvedScores, TrainingScores
from keras_crosspool.names import normalized
from keras_crosspool.sessions import with_sessions
from keras_crosspool.sessions.assigning import warn_of_single_sessions
from keras_crosspool.training.kept_descriptors import keep_descriptors, read_kept_descriptors
from keras_crosspool.training.projection_share import kept_share

_SAME = 0.9999  # cosine of the descriptors of one image that was given twice


def update(config):
    """Solves a model's classifier again with other images, and writes it as a new model.

    The network, its projection and its guidance stay, and so do alpha and the weights of branches:
    the result is that of solving all images, old and new, with them. Calibration, thresholds and
    the scores of cross-validation are those of all images.

    Args:
        config: `UpdateConfig`.

    Returns:
        The `ModelMetadata` that was written.

    Raises:
        ValueError: if the model keeps no descriptors, nothing is added or removed, a name is
            unknown, or fewer than two classes are left.
        OSError: if the output cannot be written.

    Example:

    >>> from keras_crosspool.config.update_config import UpdateConfig
    >>> config = UpdateConfig(model="model", data="new", output="model2")
    >>> update(config).class_names  # doctest: +SKIP
    ('apple', 'pear', 'quince')
    """
    start = time.perf_counter()
    if not (config.data or config.remove_classes or config.remove_images):
        raise ValueError(
            "Name what is to be added or removed: `data`, `remove_classes` or `remove_images`. "
            "Received: none of them"
        )
    check_replaceable(config.output)
    if pathlib.Path(config.output).resolve() == pathlib.Path(config.model).resolve():
        raise ValueError(
            f"The old model stays: name another output. Received: output={config.output!r}"
        )
    model, metadata = load_model(config.model)
    before = read_kept_descriptors(config.model)
    basis = _without(before, metadata.class_names, config)
    names, labels = _remaining_classes(basis.labels, metadata.class_names, config)
    basis, added = dataclasses.replace(basis, labels=labels), None
    removed = len(before.names) - len(basis.names)
    if config.data:
        added = _opened(config, metadata)
        names = (*names, *(name for name in added.class_names if name not in names))
        new = _descriptors(model, metadata, added, basis, names, config.batch_size)
        labels = _padded(basis.labels, len(names))
        basis = _with_known_sessions(dataclasses.replace(basis, labels=labels).joined(new), new)
        if basis.labels.ndim == 1:
            warn_of_single_sessions(basis.labels, basis.groups, names)
    if len(names) < 2:
        raise ValueError(f"Two classes or more must be left. Received: {', '.join(names)}")
    rate = metadata.arguments.get("reject_rate", SolverConfig.reject_rate)
    classifier = basis.solve(len(names), rate)
    updated = _with_classifier(model, names, classifier)
    kept = added and kept_share(model, added, config.batch_size)
    metadata = _metadata(metadata, names, classifier, basis, added, removed, kept, config)
    metadata.scores.seconds["update"] = round(time.perf_counter() - start, 2)
    save_model(config.output, updated, metadata)
    keep_descriptors(config.output, basis)
    return metadata


def _opened(config, metadata):
    split = open_split(
        config.data,
        config.train_split if has_splits(config.data) else ALL,
        task=metadata.task,
        data_dir=config.data_dir,
        **config.image_options(),
    )
    # A class of one session among the new photographs may have others among the old ones.
    return with_sessions(split, config.groups, warns=False)


def _descriptors(model, metadata, split, basis, names, batch_size):
    """The new images as a `SolvedBasis`, their labels as indices into the names of all classes."""
    views = Views(
        tuple(metadata.arguments.get("crop_scales", SolverConfig.crop_scales)),
        metadata.arguments.get("mirror", SolverConfig.mirror),
    )
    regions = {}
    if has_region_grid(model):
        with scratch_directory() as folder:
            grids = load_region_grids(model, split, model.image_size, batch_size, folder)
            regions = compute_grid_descriptors(model, grids)
    found = compute_descriptors([model], split, model.image_size, batch_size, views, regions)
    return SolvedBasis(
        {name: found.branches[name] for name in basis.branches},
        _relabelled(found.labels, split.class_names, names),
        found.images,
        found.groups,
        split.names,
        basis.alpha,
        basis.weights,
    )


def _relabelled(labels, own_names, names):
    index = {normalized(name): number for number, name in enumerate(names)}
    numbers = np.array([index[normalized(name)] for name in own_names])
    if labels.ndim == 1:
        return numbers[labels]
    found = np.zeros((len(labels), len(names)), labels.dtype)
    found[:, numbers] = labels
    return found


def _padded(labels, count):
    if labels.ndim == 1:
        return labels
    return np.pad(labels, ((0, 0), (0, count - labels.shape[1])))


def _without(basis, class_names, config):
    """The basis without the images and, of one class an image, the classes to remove."""
    kept = np.full(len(basis.labels), True)
    if config.remove_images:
        kept &= ~np.isin(basis.images, _images_to_remove(basis.names, config.remove_images))
    removed = _removed_indices(class_names, config)
    if basis.labels.ndim == 1:
        kept &= ~np.isin(basis.labels, removed)
    if not kept.any():
        raise ValueError("Nothing of the model would be left. Received: all images are removed")
    return basis if kept.all() else basis.kept(kept)


def _removed_indices(class_names, config):
    index = {normalized(name): number for number, name in enumerate(class_names)}
    wanted = [normalized(name.strip()) for name in config.remove_classes or ()]
    unknown = [name for name in wanted if name not in index]
    if unknown:
        raise ValueError(
            f"The model has no such class; it has {', '.join(class_names[:10])}. "
            f"Received: remove_classes={','.join(unknown)}"
        )
    return [index[name] for name in wanted]


def _remaining_classes(labels, class_names, config):
    """The names of the classes that stay, and the labels as indices into them."""
    removed = set(_removed_indices(class_names, config))
    stay = [number for number in range(len(class_names)) if number not in removed]
    names = tuple(class_names[number] for number in stay)
    return names, np.searchsorted(stay, labels) if labels.ndim == 1 else labels[:, stay]


def _images_to_remove(names, table):
    """The indices of the images that a table names, by their whole name or its end."""
    wanted = [normalized(row["file"]) for _, row in read_table(table, ("file",), "file")]
    found = {
        name: [i for i, own in enumerate(names) if f"/{normalized(own)}".endswith(f"/{name}")]
        for name in wanted
    }
    wrong = [name for name, indices in found.items() if len(indices) != 1]
    if wrong:
        raise ValueError(
            "Each name must be that of one image of the model. "
            f"Received: {table}, {len(wrong)} that are of none or several: {', '.join(wrong[:3])}"
        )
    return [index for (index,) in found.values()]


def _with_known_sessions(basis, new):
    """The basis with the sessions of new images that it has already joined to those of the old.

    Otherwise an image would be judged by a classifier that was solved on its copy.

    Args:
        basis: `SolvedBasis` of the old images and then the new ones.
        new: `SolvedBasis` of the new ones.
    """
    branch = next(iter(basis.branches.values()))
    added = next(iter(new.branches.values()))
    gram, old = branch.descriptor_gram, len(branch.descriptors) - len(added.descriptors)
    nearest = gram[old:, :old].argmax(axis=1)
    same = gram[old:, :old].max(axis=1) > _SAME * np.diagonal(gram)[old:]
    first = len(basis.labels) - len(new.labels)
    if added.rows is not None:  # a descriptor an image, which several rows share
        row_of = np.unique(basis.images, return_index=True)[1]
        nearest, same = row_of[nearest][added.rows], same[added.rows]
    count = len(np.unique(new.images[same]))
    if not count:
        return basis
    logging.warning(
        "%d of the new images look exactly like old ones: they count as the same session", count
    )
    groups = basis.groups.copy()
    for session in np.unique(new.groups[same]):
        row = np.flatnonzero(same & (new.groups == session))[0]
        groups[first:][new.groups == session] = basis.groups[nearest[row]]
    return dataclasses.replace(basis, groups=groups)


def _with_classifier(model, names, classifier):
    updated = CrossPoolClassifier(
        model.inputs[0], model.branches, names, model.task, name=model.name
    )
    classifier.write_to(updated.classifier)
    return updated


def _metadata(old, names, classifier, basis, added, removed, kept, config):
    """What is said of the updated model: its own scores, and what was added and removed."""
    done = {
        "data": config.data,
        "fingerprint": added and added.fingerprint,
        "images_added": added.size if added else 0,
        "images_removed": removed,
        "classes_added": [name for name in names if name not in old.class_names],
        "classes_removed": [name for name in old.class_names if name not in names],
        "images": len(basis.names),
        "variance_kept": kept,
    }
    data = {**old.data, "updates": [*old.data.get("updates", []), done], "val_split": None}
    data |= {"sessions": len(np.unique(basis.groups)), "used": {}, "left_out": {}}
    thresholds = classifier.thresholds
    return dataclasses.replace(
        old,
        class_names=tuple(names),
        scores=TrainingScores(solved=SolvedScores.of(classifier)),
        data=data,
        thresholds=None if thresholds is None else tuple(map(float, thresholds)),
        rejection=classifier.rejection,
    )
