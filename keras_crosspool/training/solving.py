"""The closed-form stage of a run: the model, its baseline, and the scheme that is chosen."""

import dataclasses

import numpy as np
from absl import logging

from keras_crosspool.backbones import create_backbone
from keras_crosspool.closed_form.choice import Choice
from keras_crosspool.closed_form.compress import compressed
from keras_crosspool.closed_form.fit import Descriptors
from keras_crosspool.closed_form.head_solver import HeadSolver
from keras_crosspool.closed_form.pair_search import compare_pairs
from keras_crosspool.closed_form.region_branch import choice_when_tuned
from keras_crosspool.closed_form.solved_basis import SolvedBasis
from keras_crosspool.models.classifier import CrossPoolClassifier
from keras_crosspool.models.training_scores import PairScore, SolvedScores, TrainingScores
from keras_crosspool.models.zoo import schemes_of_both
from keras_crosspool.targets.rejection import Rejection
from keras_crosspool.training.validation import Predictions

_BASELINE = "baseline"


@dataclasses.dataclass(frozen=True)
class Solved:
    """What the closed-form stage gives.

    Attributes:
        model: `CrossPoolClassifier`; of several schemes the one that cross-validation chose.
        scores: `TrainingScores` so far.
        thresholds: float `(classes,)` that cross-validation chose for several labels, or `None`.
        rejection: `Rejection`, from when on an image is none of the classes, or `None`.
        predictions: `Predictions` of the model; `None` without a validation split or a solver.
        basis: `SolvedBasis` that the classifier stands on; `None` without a solver.
    """

    model: CrossPoolClassifier
    scores: TrainingScores
    thresholds: np.ndarray | None
    rejection: Rejection | None = None
    predictions: Predictions | None = None
    basis: SolvedBasis | None = None


@dataclasses.dataclass(frozen=True)
class Fitted:
    """Models that were fitted together.

    Attributes:
        models: dict, scheme or `"baseline"` to `CrossPoolClassifier`.
        classifiers: dict, the same names to `LinearClassifier`; empty without a solver.
        descriptors: `Descriptors` that they were solved on; `None` without a solver.
        pairs: tuple of `PairScore`, of the pairs of feature maps that were compared before.
    """

    models: dict
    classifiers: dict
    descriptors: Descriptors | None = None
    pairs: tuple[PairScore, ...] = ()


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

    def new_model(self):
        """Builds the model of the run, on the pair of feature maps that suits its images.

        Returns:
            `CrossPoolClassifier`, whose head is not fitted yet, and a tuple of `PairScore`, of the
            pairs that were compared; empty where none were to be.
        """
        network, scheme, pairs = self.config.network, self.config.scheme, ()
        backbone = create_backbone(network.backbone, network.image_size, network.weights)
        if network.pair == "search":
            pairs = compare_pairs(backbone, self._head, scheme)
            layers = pairs[0].features_layer, pairs[0].guidance_layer
            logging.info("the pair of the lowest log loss: %s", pairs[0].words())
            scheme = dataclasses.replace(scheme, features_layer=layers[0], guidance_layer=layers[1])
        model = CrossPoolClassifier.from_backbone(
            backbone,
            self.training.class_names,
            scheme="both" if network.scheme == "auto" else network.scheme,
            task=self.training.task.name,
            **dataclasses.asdict(scheme),
        )
        return model, pairs

    def fit(self, model, pairs=()):
        """Fits a model, and the baseline beside it, from one pass over the images.

        Args:
            model: `CrossPoolClassifier`.
            pairs: tuple of `PairScore`, that it was chosen among. Defaults to none.

        Returns:
            `Fitted`.
        """
        regions = self._head.adapt(model)
        scheme = self.config.network.scheme
        if self.config.solver.method == "none":
            return Fitted({scheme: model}, {}, pairs=pairs)
        models = schemes_of_both(model) if scheme == "auto" else {scheme: model}
        if self.config.solver.baseline and not scheme.endswith("_average"):
            models |= {_BASELINE: model.baseline()}
        solved, descriptors = self._head.solve(list(models.values()), regions)
        return Fitted(models, dict(zip(models, solved, strict=True)), descriptors, pairs)

    def choose(self, fitted, validation):
        """Chooses among fitted schemes by cross-validation, and validates them all.

        Args:
            fitted: `Fitted`.
            validation: `Validation`.

        Returns:
            `Solved`.
        """
        models, classifiers = fitted.models, fitted.classifiers
        schemes = [name for name in models if name != _BASELINE]
        if not classifiers:
            return Solved(models[schemes[0]], TrainingScores(), None)
        best = min(schemes, key=lambda name: classifiers[name].cross_validated.get("log_loss", 0.0))
        predictions = validation.predictions_of_each(models)
        baseline = predictions.get(_BASELINE)
        scores = {
            name: SolvedScores.of(
                classifiers[name],
                validation.scores_of(predictions[name]),
                validation.advantage(predictions[name], baseline) if name != _BASELINE else None,
            )
            for name in models
        }
        several = len(schemes) > 1
        found = TrainingScores(
            solved=scores[best],
            baseline=scores.get(_BASELINE),
            schemes={name: scores[name] for name in schemes} if several else {},
            chosen_scheme=best if several else None,
            pairs=fitted.pairs,
        )
        chosen = classifiers[best]
        return Solved(
            models[best],
            found,
            chosen.thresholds,
            chosen.rejection,
            predictions[best],
            self._basis(models[best], fitted.descriptors, chosen),
        )

    def solve_tuned(self, model, scores):
        """Fits the head of a classifier anew on its tuned network, and the baseline beside it.

        Alpha and calibration stay, and the weights but for those of regions beside windows: the
        training images have shaped the features, and cross-validation on them would find every
        image easy.

        Args:
            model: `CrossPoolClassifier`, its network tuned.
            scores: `TrainingScores` from before it was tuned.

        Returns:
            The baseline, a `CrossPoolClassifier`; `None` where there was none before, or where its
            last layers come after those that were tuned, which makes it no fair one.
        """
        models, before = [model], [scores.solved]
        baseline = model.baseline() if scores.baseline else None
        if baseline is not None and not baseline.stands_on(model.backbone):
            baseline = None
        if baseline is not None:
            models.append(baseline)
            before.append(scores.baseline)
        choices = [choice_of(each) for each in before]
        choices[0] = choice_when_tuned(model, choices[0])
        self._head.solve(models, self._head.adapt_tuned(model), choices)
        return baseline

    def compress(self, model, scores):
        """The model with a shorter descriptor, solved on it at its own alpha; calibration stays.

        Args:
            model: solved `CrossPoolClassifier` of scheme 1.
            scores: its `SolvedScores`.

        Returns:
            `CompressedModel`.
        """
        return compressed(model, self._head, choice_of(scores))

    def _basis(self, model, descriptors, classifier):
        names = [branch.name for branch in model.branches]
        return SolvedBasis.of(descriptors, names, classifier, self.training.names)

    @property
    def _head(self):
        config = self.config
        return HeadSolver(self.training, config.solver, config.guidance, self.distribution)


def choice_of(scores):
    """What cross-validation chose, a `Choice`.

    Args:
        scores: `SolvedScores`.
    """
    weights = scores.branch_weights or (1.0,)
    return Choice(weights, scores.alpha, scores.calibration)
