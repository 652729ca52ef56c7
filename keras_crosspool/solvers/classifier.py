"""Solves the classifier of a zoo model: strength by cross-validation, calibrated logits."""

import dataclasses
import itertools

import numpy as np
from absl import logging
from keras import ops

from keras_crosspool.progress import track
from keras_crosspool.solvers.branch import Branch
from keras_crosspool.solvers.methods import METHODS, Method
from keras_crosspool.tasks import task_of

_WEIGHT_RATIOS = (1.0, 0.25, 0.5, 2.0, 4.0)  # of a further branch to the first


@dataclasses.dataclass(frozen=True)
class LinearClassifier:
    """A solved classifier, `logits = descriptors @ kernel + bias`.

    Attributes:
        kernel: float32 `(dims, num_classes)`.
        bias: float32 `(num_classes,)`.
        strength: float, chosen by cross-validation.
        temperature: float, by which the raw scores were divided, so that the probabilities of the
            logits are calibrated.
        weights: tuple of float, by which the branches' descriptors were multiplied; the kernel is
            for descriptors without them.
        validation: dict, strength to its cross-validated `log_loss` (nats) and its `accuracy`, or
            `mean_average_precision` for several labels a picture.
        offset: float, added to all logits after that; of several labels a picture alone.
        thresholds: float `(num_classes,)`, the probability from which on each label of several is
            said to be there, by the cross-validated scores; `None` for one class a picture.
    """

    kernel: np.ndarray
    bias: np.ndarray
    strength: float
    temperature: float
    weights: tuple[float, ...]
    validation: dict
    offset: float = 0.0
    thresholds: np.ndarray | None = None

    @property
    def cross_validated(self):
        """The cross-validated scores at the chosen strength; empty without cross-validation."""
        return self.validation.get(self.strength, {})


def solve_classifier(descriptors, labels, num_classes, method="ridge", pictures=None, seed=0):
    """Solves a linear classifier on the Gram matrix of the descriptors.

    The strength is the one with the lowest cross-validated log loss, each strength at its own
    best calibration; that calibration is then written into kernel and bias.

    Args:
        descriptors: float32 `(n, dims)`.
        labels: int `(n,)`, or multi-hot `(n, num_classes)`.
        num_classes: int.
        method: `"ridge"` or `"svm"`. Defaults to `"ridge"`.
        pictures: int `(n,)`, the picture each row comes from; rows of one picture, such as its
            mirror image, stay in one fold, and so can groups of pictures. Defaults to a picture
            a row.
        seed: int, of the folds. Defaults to `0`.

    Returns:
        A `LinearClassifier`.

    Raises:
        ValueError: if the method is unknown or all pictures are labelled alike.

    Example:

    >>> rng = np.random.default_rng(0)
    >>> labels = np.repeat([0, 1, 2], 20)
    >>> descriptors = (np.eye(3)[labels] + 0.1 * rng.normal(size=(60, 3))).astype("float32")
    >>> classifier = solve_classifier(descriptors, labels, num_classes=3)
    >>> logits = descriptors @ classifier.kernel + classifier.bias
    >>> float((logits.argmax(axis=1) == labels).mean())
    1.0
    """
    return solve_branches([Branch(descriptors)], labels, num_classes, method, pictures, seed)


def solve_branches(branches, labels, num_classes, method="ridge", pictures=None, seed=0):
    """Solves one linear classifier on the descriptors of several branches, weighted.

    The weights are tried at the strength that suits equal ones; they are the ones with the lowest
    cross-validated log loss. A weight is the same as a strength of its own for that branch, so it
    ends in the kernel, and the descriptors stay as they are.

    Args:
        branches: list of `Branch`.
        labels: int `(n,)`, or multi-hot `(n, num_classes)`.
        num_classes: int.
        method: `"ridge"` or `"svm"`. Defaults to `"ridge"`.
        pictures: int `(n,)`, as for `solve_classifier`.
        seed: int, of the folds. Defaults to `0`.

    Returns:
        A `LinearClassifier` for the concatenated descriptors.

    Raises:
        ValueError: as `solve_classifier`.
    """
    if method not in METHODS:
        raise ValueError(f"method must be one of {', '.join(METHODS)}. Received: {method!r}")
    if (labels == labels[0]).all():
        raise ValueError("A classifier needs pictures of two classes or more. Received: one class")
    targets = ops.convert_to_numpy(task_of(labels).targets(labels, num_classes)).astype("float64")
    folds = cross_validation_folds(labels, pictures, seed)
    problem = _Problem(branches, labels, targets, METHODS[method], folds)
    chosen = _choose(problem)
    weights, temperature = chosen["weights"], chosen["temperature"]
    duals, bias = METHODS[method].fit(problem.gram(weights), targets, chosen["strength"])
    duals = duals / temperature
    kernels = [b.kernel(w**2 * duals) for b, w in zip(branches, weights, strict=True)]
    bias = (bias / temperature + chosen["offset"]).astype("float32")
    return LinearClassifier(np.concatenate(kernels), bias, **chosen)


def cross_validation_folds(labels, pictures=None, seed=0):
    """The fold of every row, int `(n,)`, or `None` where there is nothing to hold out.

    Args:
        labels: int `(n,)`, or multi-hot `(n, num_classes)`.
        pictures: int `(n,)`, the picture or group of each row, which stays in one fold. Defaults
            to a picture a row.
        seed: int. Defaults to `0`.
    """
    pictures = np.arange(len(labels)) if pictures is None else pictures
    _, first, rows = np.unique(pictures, return_index=True, return_inverse=True)
    fold_of = task_of(labels).folds(labels[first], seed)
    return None if fold_of is None else fold_of[rows]


@dataclasses.dataclass(frozen=True)
class _Problem:
    """What is to be solved, at any weights and strength."""

    branches: list
    labels: np.ndarray
    targets: np.ndarray
    method: Method
    folds: np.ndarray | None

    def gram(self, weights, fold=None):
        grams = (w**2 * b.gram(fold) for b, w in zip(self.branches, weights, strict=True))
        return sum(grams).astype("float64")

    def cross_validate(self, weights, strengths):
        """For each strength what a `LinearClassifier` keeps of it, and the scores that judge it."""
        task = task_of(self.labels)
        for strength, scores in self._held_out_scores(weights, strengths).items():
            temperature, offset, log_loss = task.calibrate(scores, self.labels)
            yield (
                {
                    "weights": weights,
                    "strength": strength,
                    "temperature": temperature,
                    "offset": offset,
                    "thresholds": task.thresholds(scores / temperature + offset, self.labels),
                },
                {task.metric: task.measure(scores, self.labels), "log_loss": log_loss},
            )

    def _held_out_scores(self, weights, strengths):
        scores = {strength: np.empty_like(self.targets) for strength in strengths}
        for fold in track(np.unique(self.folds), "cross-validation"):
            gram, held_out = self.gram(weights, fold), self.folds == fold
            rest = ~held_out
            inner, outer = gram[np.ix_(rest, rest)], gram[np.ix_(held_out, rest)]
            for strength in strengths:
                duals, bias = self.method.fit(inner, self.targets[rest], strength)
                scores[strength][held_out] = outer @ duals + bias
        return scores


def _choose(problem):
    """The fields of a `LinearClassifier` that cross-validation settles."""
    equal, *others = _weightings(len(problem.branches))
    if problem.folds is None:
        strength = problem.method.default
        logging.warning(
            "One picture a class leaves nothing to cross-validate: strength %g, logits "
            "uncalibrated.",
            strength,
        )
        fixed = {"weights": equal, "strength": strength, "temperature": 1.0, "offset": 0.0}
        return {**fixed, "validation": {}}
    tried = list(problem.cross_validate(equal, problem.method.strengths))
    best, scores = min(tried, key=_log_loss)
    validation = {choice["strength"]: scores for choice, scores in tried}
    tried = [(best, scores)]
    for weights in others:
        tried.extend(problem.cross_validate(weights, [best["strength"]]))
    best, scores = min(tried, key=_log_loss)
    return {**best, "validation": {**validation, best["strength"]: scores}}


def _log_loss(tried):
    return tried[1]["log_loss"]


def _weightings(branches):
    """Weights of the branches, whose squares sum to one; equal ones come first."""
    ratios = itertools.product(_WEIGHT_RATIOS, repeat=branches - 1)
    weightings = [np.array([1.0, *ratio]) for ratio in ratios]
    return [tuple((w / np.linalg.norm(w)).tolist()) for w in weightings]
