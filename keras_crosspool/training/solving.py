"""The closed-form stage of a run: the model, its baseline, and the scheme that is chosen."""

import dataclasses

import numpy as np

from keras_crosspool.closed_form.head_solver import HeadSolver
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
        regions = self._head.adapt(model)
        if self.config.solver.method == "none":
            return Solved(model, {}, None)
        scheme = self.config.network.scheme
        candidates = schemes_of_both(model) if scheme == "auto" else {scheme: model}
        compared = {}
        if self.config.solver.baseline and not scheme.endswith("_average"):
            compared["baseline"] = model.baseline()
        models = candidates | compared
        solved = dict(zip(models, self._head.solve(list(models.values()), regions), strict=True))
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
        return self._head.solve([model], self._head.regions(model))[0].thresholds

    @property
    def _head(self):
        config = self.config
        return HeadSolver(self.training, config.solver, config.guidance, self.distribution)


def _metrics(prefix, classifier):
    scores = {f"cross_validated_{name}": x for name, x in classifier.cross_validated.items()}
    chosen = {"alpha": classifier.alpha, **scores}
    if len(classifier.weights) > 1:
        chosen["branch_weights"] = list(classifier.weights)
    return {f"{prefix}{name}": value for name, value in chosen.items()}
