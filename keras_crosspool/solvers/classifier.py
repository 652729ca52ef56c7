"""Solves the classifier of a zoo model: strength by cross-validation, calibrated logits."""

import dataclasses

import numpy as np
from absl import logging

from keras_crosspool.progress import track
from keras_crosspool.solvers.calibration import fit_temperature
from keras_crosspool.solvers.methods import METHODS

_FOLDS = 5


@dataclasses.dataclass(frozen=True)
class LinearClassifier:
    """A solved classifier, `logits = descriptors @ kernel + bias`.

    Attributes:
        kernel: float32 `(dims, num_classes)`.
        bias: float32 `(num_classes,)`.
        strength: float, chosen by cross-validation.
        temperature: float, by which the raw scores were divided, so that the softmax of the
            logits is calibrated.
        validation: dict, strength to its cross-validated `accuracy` and `log_loss` (nats).
    """

    kernel: np.ndarray
    bias: np.ndarray
    strength: float
    temperature: float
    validation: dict


def solve_classifier(descriptors, labels, num_classes, method="ridge", pictures=None, seed=0):
    """Solves a linear classifier on the Gram matrix of the descriptors.

    The strength is the one with the lowest cross-validated log loss, each strength at its own
    best temperature; that temperature is then written into kernel and bias.

    Args:
        descriptors: float32 `(n, dims)`.
        labels: int `(n,)`.
        num_classes: int.
        method: `"ridge"` or `"svm"`. Defaults to `"ridge"`.
        pictures: int `(n,)`, the picture each row comes from; rows of one picture, such as its
            mirror image, stay in one fold. Defaults to a picture a row.
        seed: int, of the folds. Defaults to `0`.

    Returns:
        A `LinearClassifier`.

    Raises:
        ValueError: if the method is unknown or there are fewer than two classes.

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
    if len(np.unique(labels)) < 2:
        raise ValueError("A classifier needs pictures of two classes or more. Received: one class")
    pictures = np.arange(len(labels)) if pictures is None else pictures
    gram = (descriptors @ descriptors.T).astype("float64")
    strength, temperature, validation = _choose_strength(
        gram, labels, num_classes, METHODS[method], _folds(labels, pictures, seed)
    )
    duals, bias = METHODS[method].fit(gram, labels, num_classes, strength)
    kernel = descriptors.T @ (duals / temperature).astype("float32")
    bias = (bias / temperature).astype("float32")
    return LinearClassifier(kernel, bias, strength, temperature, validation)


def _folds(labels, pictures, seed):
    """The fold of every row, or `None` where no class has two pictures to tell apart."""
    from sklearn.model_selection import StratifiedKFold

    _, first = np.unique(pictures, return_index=True)
    fewest = np.bincount(labels[first])
    fewest = fewest[fewest > 1]
    if not len(fewest):
        return None
    folds = StratifiedKFold(min(_FOLDS, fewest.min()), shuffle=True, random_state=seed)
    fold_of = np.empty(pictures.max() + 1, int)
    for fold, (_, held_out) in enumerate(_split_quietly(folds, labels[first])):
        fold_of[pictures[first][held_out]] = fold
    return fold_of[pictures]


def _split_quietly(folds, labels):
    import warnings

    with warnings.catch_warnings():
        # A class of one picture is held out unseen once: that is what it would meet in use too.
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        yield from folds.split(labels, labels)


def _choose_strength(gram, labels, num_classes, method, folds):
    if folds is None:
        logging.warning(
            "One picture a class leaves nothing to cross-validate: strength %g, logits "
            "uncalibrated.",
            method.default,
        )
        return method.default, 1.0, {}
    validation, temperatures = {}, {}
    for strength in track(method.strengths, "cross-validation"):
        scores = _held_out_scores(gram, labels, num_classes, method.fit, strength, folds)
        temperatures[strength], log_loss = fit_temperature(scores, labels)
        accuracy = float((scores.argmax(axis=1) == labels).mean())
        validation[strength] = {"accuracy": accuracy, "log_loss": log_loss}
    best = min(validation, key=lambda strength: validation[strength]["log_loss"])
    return best, temperatures[best], validation


def _held_out_scores(gram, labels, num_classes, fit, strength, folds):
    scores = np.empty((len(labels), num_classes))
    for fold in np.unique(folds):
        held_out = folds == fold
        rest = ~held_out
        duals, bias = fit(gram[np.ix_(rest, rest)], labels[rest], num_classes, strength)
        scores[held_out] = gram[np.ix_(held_out, rest)] @ duals + bias
    return scores
