"""The closed-form stage of a run: the model, its baseline, and the scheme that is chosen."""

import dataclasses

import numpy as np

from keras_crosspool.closed_form.fit import adapt_head, describe, solve_models
from keras_crosspool.closed_form.options import SolverOptions
from keras_crosspool.closed_form.region_branch import describe_regions, fit_regions, has_region_grid
from keras_crosspool.closed_form.region_grids import load_region_grids
from keras_crosspool.closed_form.views import Views
from keras_crosspool.files import scratch_directory
from keras_crosspool.models.classifier import CrossPoolClassifier
from keras_crosspool.models.zoo import schemes_of_both


@dataclasses.dataclass(frozen=True)
class Solved:
    """What the closed-form stage gives.

    Attributes:
        model: `CrossPoolClassifier`; of several schemes the one that cross-validation chose.
        metrics: dict of its scores.
        thresholds: float `(classes,)` that cross-validation chose for several labels, or `None`.
    """

    model: CrossPoolClassifier
    metrics: dict
    thresholds: np.ndarray | None


@dataclasses.dataclass(frozen=True)
class Solving:
    """Solves the classifiers of a run.

    Attributes:
        config: `TrainingConfig`.
        training: `Split`.
        distribution: `Distribution`.
    """

    config: object
    training: object
    distribution: object

    def solve(self, model, validation):
        """Fits a model, and the baseline beside it, from one pass over the images.

        Args:
            model: `CrossPoolClassifier`.
            validation: `Validation`.

        Returns:
            `Solved`.
        """
        batch_size = self.config.fine_tuning.batch_size
        adapt_head(model, self.training, model.image_size, batch_size, self.distribution)
        regions = self._fit_regions(model)
        if self.config.solver.method == "none":
            return Solved(model, {}, None)
        scheme = self.config.network.scheme
        candidates = schemes_of_both(model) if scheme == "auto" else {scheme: model}
        compared = {}
        if self.config.solver.baseline and not scheme.endswith("_average"):
            compared["baseline"] = model.baseline()
        models = candidates | compared
        solved = dict(zip(models, self._solve_all(list(models.values()), regions), strict=True))
        best = min(candidates, key=lambda name: solved[name].cross_validated.get("log_loss", 0.0))
        metrics = _metrics("", solved[best])
        if scheme == "auto":
            metrics["chosen_scheme"] = best
            compared = models
        metric = self.training.task.metric
        for name, other in compared.items():
            metrics |= _metrics(f"{name}_", solved[name])
            scores = validation.scores(other)
            metrics |= {f"{name}_{metric}": scores[metric]} if scores else {}
        return Solved(candidates[best], metrics, solved[best].thresholds)

    def solve_again(self, model):
        """Solves a fine-tuned model's classifier anew.

        Returns:
            The thresholds that cross-validation chose, or `None`.
        """
        regions = {}
        if has_region_grid(model):
            with scratch_directory() as folder:  # the tuned network's grids serve but once
                regions = describe_regions(model, self._grids(model, folder))
        return self._solve_all([model], regions)[0].thresholds

    def _solve_all(self, models, regions):
        """The `Solved` classifiers of models that share their layers."""
        solver = self.config.solver
        described = describe(
            models,
            self.training,
            models[0].image_size,
            self.config.fine_tuning.batch_size,
            Views(solver.crop_scales, solver.mirror),
            regions,
            SolverOptions(solver.method, solver.form, solver.memory_gb),
            self.distribution,
        )
        return solve_models(models, described, solver.method)

    def _fit_regions(self, model):
        if not has_region_grid(model):
            return {}
        grids = self._grids(model, self.config.guidance.cache_dir)
        judged = self.config.solver.method != "none"
        return fit_regions(model, grids, self.training, self.config.guidance, cross_fit=judged)

    def _grids(self, model, folder):
        batch_size = self.config.fine_tuning.batch_size
        return load_region_grids(model, self.training, model.image_size, batch_size, folder)


def _metrics(prefix, classifier):
    scores = {f"cross_validated_{name}": x for name, x in classifier.cross_validated.items()}
    chosen = {"strength": classifier.strength, **scores}
    if len(classifier.weights) > 1:
        chosen["branch_weights"] = list(classifier.weights)
    return {f"{prefix}{name}": value for name, value in chosen.items()}
