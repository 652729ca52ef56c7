"""How accuracy grows with the number of photographs of a class."""

import keras
import numpy as np

from benchmarks.data_sets import draw_photographs
from keras_crosspool.backbones import create_backbone
from keras_crosspool.closed_form.classifier import solve_branches
from keras_crosspool.closed_form.fit import adapt_head, compute_descriptors
from keras_crosspool.closed_form.guidance import train_guidance
from keras_crosspool.closed_form.methods import METHODS
from keras_crosspool.closed_form.region_branch import compute_grid_descriptors, fit_regions
from keras_crosspool.closed_form.region_grids import load_region_grids
from keras_crosspool.config.guidance_config import GuidanceConfig
from keras_crosspool.data import open_split
from keras_crosspool.models.grid_branch import GridBranch
from keras_crosspool.models.zoo import build_model, schemes_of_both
from keras_crosspool.progress import track

MODELS = {
    "global average": ("average_norm",),
    "region average": ("region_average_norm",),
    "scheme 1": ("pooling",),
    "scheme 2": ("grid_pooling",),
    "both": ("pooling", "grid_pooling"),
}


def learning_curve(config, photographs, draws):
    """Accuracy of each model solved on a few whole photographs of every class.

    The guidance layer is trained anew on each draw. Alpha and branch weights are those that
    cross-validation chose with all photographs, since a few leave little to choose by.

    Args:
        config: `TrainingConfig`.
        photographs: sequence of int, photographs a class; a class with fewer gives all it has.
        draws: int, random draws of each number.

    Returns:
        list of dict: model, photographs_a_class, draws, mean accuracy and its standard deviation.
    """
    study = _Study(config)
    rows = []
    for count in photographs:
        drawn = [draw_photographs(study.labels, count, seed) for seed in range(draws)]
        drawn = list({chosen.tobytes(): chosen for chosen in drawn}.values())  # all of them are one
        accuracies = {name: [] for name in MODELS}
        for chosen in track(drawn, f"{count} photographs a class"):
            study.train_guidance(chosen)
            for name in MODELS:
                accuracies[name].append(study.accuracy(name, chosen))
        rows += [
            {
                "model": name,
                "photographs_a_class": count,
                "draws": len(drawn),
                "accuracy": float(np.mean(values)),
                "deviation": float(np.std(values)),
            }
            for name, values in accuracies.items()
        ]
    return rows


class _Study:
    """The descriptors of all photographs by every branch, and what was solved on all of them."""

    def __init__(self, config):
        keras.utils.set_random_seed(config.guidance.seed)
        train = open_split(config.data.data, config.data.train_split or "train")
        val = open_split(config.data.data, config.data.val_split, train.class_names)
        self._task, self._classes = train.task, len(train.class_names)
        self.labels, self._val_labels = train.labels, val.labels
        self._model = _all_branches(config, self._classes)
        self._grid_branch = next(
            branch for branch in self._model.branches if isinstance(branch, GridBranch)
        )
        self._guidance = GuidanceConfig(guidance_epochs=config.guidance.guidance_epochs)
        self._first = self._grid_branch.guidance.get_weights()
        size, batch = self._model.input_shape[1], config.guidance.batch_size
        adapt_head(self._model, train, size, batch)
        self._grids, self._val_grids = (
            load_region_grids(self._model, split, size, batch, config.guidance.cache_dir)
            for split in (train, val)
        )
        regions = fit_regions(self._model, self._grids, train, self._guidance)
        self._branches = compute_descriptors(
            [self._model], train, size, batch, regions=regions
        ).branches
        regions = compute_grid_descriptors(self._model, self._val_grids)
        self._val_branches = compute_descriptors(
            [self._model], val, size, batch, regions=regions
        ).branches
        self._solved = {
            name: solve_branches([self._branches[x] for x in names], self.labels, self._classes)
            for name, names in MODELS.items()
        }

    def train_guidance(self, chosen):
        """Trains the guidance on some photographs alone, and computes all descriptors by it."""
        layer = self._grid_branch.guidance
        layer.set_weights(self._first)
        project = self._grid_branch.projection
        features = np.concatenate([project(grid[None]) for grid in self._grids[chosen]])
        targets = self._task.targets(self.labels[chosen], self._classes)
        train_guidance(layer, features, targets, self._task.loss(), self._guidance)
        self._branches |= compute_grid_descriptors(self._model, self._grids)
        self._val_branches |= compute_grid_descriptors(self._model, self._val_grids)

    def accuracy(self, name, chosen):
        """The accuracy on the other split of a model solved on some photographs."""
        solved, gram, val_gram = self._solved[name], 0.0, 0.0
        for weight, branch in zip(solved.weights, MODELS[name], strict=True):
            rows = weight * self._branches[branch].descriptors[chosen]
            gram = gram + rows @ rows.T
            val_gram = val_gram + weight * self._val_branches[branch].descriptors @ rows.T
        targets = np.asarray(self._task.targets(self.labels[chosen], self._classes), "float64")
        dual_coef, bias = METHODS["ridge"].fit(gram.astype("float64"), targets, solved.alpha)
        return self._task.measure(val_gram @ dual_coef + bias, self._val_labels)


def _all_branches(config, classes):
    network, scheme = config.network, config.scheme
    backbone = create_backbone(network.backbone, network.image_size, network.weights)
    options = {"region_mode": scheme.region_mode, "region_stride": scheme.region_stride}
    both = build_model(backbone, classes, "both", **options)
    models = [both, both.baseline(), schemes_of_both(both)["scheme2"].baseline()]
    return both.on_branches([branch for model in models for branch in model.branches], "study")
