"""The closed-form stage of a run: the model, its baseline, and the scheme that is chosen."""

import dataclasses

import numpy as np

from keras_crosspool.closed_form.head_solver import HeadSolver
from keras_crosspool.models.classifier import CrossPoolClassifier
from keras_crosspool.models.training_scores import SolvedScores, TrainingScores
from keras_crosspool.models.zoo import schemes_of_both
from keras_crosspool.training.validation import Predictions


@dataclasses.dataclass(frozen=True)
class Solved:
    """What the closed-form stage gives.

    Attributes:
        model: `CrossPoolClassifier`; of several schemes the one that cross-validation chose.
        scores: `TrainingScores` so far.
        thresholds: float `(classes,)` that cross-validation chose for several labels, or `None`.
        predictions: `Predictions` of the model; `None` without a validation split or a solver.
    """

    model: CrossPoolClassifier
    scores: TrainingScores
    thresholds: np.ndarray | None
    predictions: Predictions | None = None


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
            return Solved(model, TrainingScores(), None)
        scheme = self.config.network.scheme
        candidates = schemes_of_both(model) if scheme == "auto" else {scheme: model}
        models = dict(candidates)
        if self.config.solver.baseline and not scheme.endswith("_average"):
            models["baseline"] = model.baseline()
        solved = dict(zip(models, self._head.solve(list(models.values()), regions), strict=True))
        best = min(candidates, key=lambda name: solved[name].cross_validated.get("log_loss", 0.0))
        predictions = validation.predictions_of_each(models)
        scores = {
            name: _scores(solved[name], validation.scores_of(predictions[name])) for name in models
        }
        found = TrainingScores(
            solved=scores[best],
            baseline=scores.pop("baseline", None),
            schemes=scores if scheme == "auto" else {},
            chosen_scheme=best if scheme == "auto" else None,
        )
        return Solved(candidates[best], found, solved[best].thresholds, predictions[best])

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


def _scores(classifier, validation):
    weights = classifier.weights if len(classifier.weights) > 1 else None
    return SolvedScores(classifier.alpha, dict(classifier.cross_validated), validation, weights)
