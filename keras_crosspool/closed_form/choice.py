"""What cross-validation chooses: weights and alpha, and the calibration of the scores."""

import dataclasses

import numpy as np
from absl import logging

from keras_crosspool.closed_form.weightings import weightings
from keras_crosspool.numerics.calibration import Calibration
from keras_crosspool.numerics.intervals import jackknife_interval
from keras_crosspool.targets import task_of


@dataclasses.dataclass(frozen=True)
class Choice:
    """Weights, an alpha and their calibration, with how well they do on held-out rows.

    Attributes:
        weights: tuple of float, one a branch.
        alpha: float.
        calibration: `Calibration`. Defaults to none: the logits are the raw scores.
        thresholds: float `(num_classes,)`, or `None`.
        scores: dict, score to value; empty where nothing could be held out.
        logits: float64 `(n, num_classes)`, of the judged rows; `None` likewise.
    """

    weights: tuple[float, ...]
    alpha: float
    calibration: Calibration = dataclasses.field(default_factory=Calibration)
    thresholds: np.ndarray | None = None
    scores: dict = dataclasses.field(default_factory=dict)
    logits: np.ndarray | None = None


def choose(problem, chosen=None):
    """Chooses by cross-validation.

    Args:
        problem: `GramProblem` or `StreamingProblem`.
        chosen: pair of weights and alpha that are to be kept, so that the calibration alone is
            chosen. Defaults to none.

    Returns:
        The `Choice`, and dict of every alpha that was tried to its scores.
    """
    equal, *others = weightings(len(problem.branches))
    alphas = problem.method.alphas
    if chosen is not None:
        equal, others, alphas = chosen[0], [], [chosen[1]]
    if problem.folds is None:
        alpha = problem.method.default if chosen is None else chosen[1]
        logging.warning(
            "One %s a class leaves nothing to cross-validate: alpha %g, logits uncalibrated.",
            "session" if problem.rows.has_sessions else "image",
            alpha,
        )
        return Choice(equal, alpha), {}
    tried = list(_cross_validate(problem, equal, alphas))
    validation = {each.alpha: each.scores for each in tried}
    best = min(tried, key=_log_loss)
    tried = [best]
    for weights in others:
        tried.extend(_cross_validate(problem, weights, [best.alpha]))
    best = _calibrated(min(tried, key=_log_loss), problem.labels[problem.judged])
    return best, {**validation, best.alpha: best.scores}


def interval_of(problem, choice):
    """The 95 % interval of the choice's main score by sessions, or `None`."""
    if choice.logits is None:
        return None
    labels = problem.labels[problem.judged]

    def measure(rows):
        return task_of(labels).measure(choice.logits[rows], labels[rows])

    return jackknife_interval(measure, problem.rows.sessions[problem.judged])


@dataclasses.dataclass(frozen=True)
class _Tried:
    """Weights and an alpha, the held-out scores by them, and how good those are."""

    weights: tuple[float, ...]
    alpha: float
    held_out: np.ndarray
    scores: dict


def _cross_validate(problem, weights, alphas):
    labels = problem.labels[problem.judged]
    task = task_of(labels)
    for alpha, held_out in problem.held_out_scores(weights, alphas).items():
        scores = {
            task.metric: task.measure(held_out, labels),
            "log_loss": task.least_log_loss(held_out, labels),
        }
        yield _Tried(weights, alpha, held_out, scores)


def _log_loss(tried):
    return tried.scores["log_loss"]


def _calibrated(tried, labels):
    """The `Choice` of what was tried, with its calibration and the log loss by that."""
    task = task_of(labels)
    calibration, log_loss = task.calibrate(tried.held_out, labels)
    logits = calibration.logits(tried.held_out)
    return Choice(
        tried.weights,
        tried.alpha,
        calibration,
        task.thresholds(logits, labels),
        tried.scores | {"log_loss": log_loss},
        logits,
    )
