"""Solves the classifier of a zoo model: strength by cross-validation, calibrated logits."""

import dataclasses

import numpy as np
from absl import logging
from keras import ops

from keras_crosspool.progress import track
from keras_crosspool.solvers.methods import METHODS
from keras_crosspool.tasks import task_of


@dataclasses.dataclass(frozen=True)
class LinearClassifier:
    """A solved classifier, `logits = descriptors @ kernel + bias`.

    Attributes:
        kernel: float32 `(dims, num_classes)`.
        bias: float32 `(num_classes,)`.
        strength: float, chosen by cross-validation.
        temperature: float, by which the raw scores were divided, so that the probabilities of the
            logits are calibrated.
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
    validation: dict
    offset: float = 0.0
    thresholds: np.ndarray | None = None


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
    if method not in METHODS:
        raise ValueError(f"method must be one of {', '.join(METHODS)}. Received: {method!r}")
    if (labels == labels[0]).all():
        raise ValueError("A classifier needs pictures of two classes or more. Received: one class")
    pictures = np.arange(len(labels)) if pictures is None else pictures
    gram = (descriptors @ descriptors.T).astype("float64")
    targets = ops.convert_to_numpy(task_of(labels).targets(labels, num_classes)).astype("float64")
    chosen = _choose_strength(
        gram, labels, targets, METHODS[method], _folds(labels, pictures, seed)
    )
    duals, bias = METHODS[method].fit(gram, targets, chosen["strength"])
    kernel = descriptors.T @ (duals / chosen["temperature"]).astype("float32")
    bias = (bias / chosen["temperature"] + chosen["offset"]).astype("float32")
    return LinearClassifier(kernel, bias, **chosen)


def _folds(labels, pictures, seed):
    """The fold of every row, or `None` where there is nothing to hold out."""
    _, first, rows = np.unique(pictures, return_index=True, return_inverse=True)
    fold_of = task_of(labels).folds(labels[first], seed)
    return None if fold_of is None else fold_of[rows]


def _choose_strength(gram, labels, targets, method, folds):
    """The fields of a `LinearClassifier` that cross-validation settles."""
    task = task_of(labels)
    if folds is None:
        logging.warning(
            "One picture a class leaves nothing to cross-validate: strength %g, logits "
            "uncalibrated.",
            method.default,
        )
        default = {"strength": method.default, "temperature": 1.0, "offset": 0.0}
        return {**default, "validation": {}}
    calibrations, validation = {}, {}
    for strength in track(method.strengths, "cross-validation"):
        scores = _held_out_scores(gram, targets, method.fit, strength, folds)
        *calibration, log_loss = task.calibrate(scores, labels)
        calibrations[strength] = (*calibration, scores)
        validation[strength] = {task.metric: task.measure(scores, labels), "log_loss": log_loss}
    best = min(validation, key=lambda strength: validation[strength]["log_loss"])
    temperature, offset, scores = calibrations[best]
    return {
        "strength": best,
        "temperature": temperature,
        "offset": offset,
        "thresholds": task.thresholds(scores / temperature + offset, labels),
        "validation": validation,
    }


def _held_out_scores(gram, targets, fit, strength, folds):
    scores = np.empty_like(targets)
    for fold in np.unique(folds):
        held_out = folds == fold
        rest = ~held_out
        duals, bias = fit(gram[np.ix_(rest, rest)], targets[rest], strength)
        scores[held_out] = gram[np.ix_(held_out, rest)] @ duals + bias
    return scores
