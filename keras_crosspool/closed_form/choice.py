"""What cross-validation chooses: weights and alpha, and the calibration of the scores."""

import dataclasses

import numpy as np
from absl import logging

from keras_crosspool.closed_form.weightings import weightings
from keras_crosspool.numerics.calibration import Calibration
from keras_crosspool.numerics.intervals import score_interval
from keras_crosspool.progress import track
from keras_crosspool.targets import SINGLE_LABEL, task_of


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
    if problem.folds is None:
        equal = weightings(len(problem.branches))[0]
        weights, alpha = chosen or (equal, problem.method.default)
        logging.warning(
            "One %s a class leaves nothing to cross-validate: alpha %g, logits uncalibrated.",
            "session" if problem.rows.has_sessions else "image",
            alpha,
        )
        return Choice(weights, alpha), {}
    if chosen is None:
        tried = list(track(_search(problem), "cross-validation"))
    else:
        tried = [_cross_validate(problem, *chosen)]
    equal = tried[0].weights
    validation = {each.alpha: each.scores for each in tried if each.weights == equal}
    best = _calibrated(min(tried, key=_log_loss), problem.labels[problem.judged])
    return best, {**validation, best.alpha: best.scores}


def interval_of(problem, choice):
    """The 95 % interval of the choice's main score by sessions, or `None`."""
    if choice.logits is None:
        return None
    labels = problem.labels[problem.judged]
    task = task_of(labels)

    def measure(rows):
        return task.measure(choice.logits[rows], labels[rows])

    sessions = problem.rows.sessions[problem.judged]
    return score_interval(measure, sessions, is_share=task is SINGLE_LABEL)


@dataclasses.dataclass(frozen=True)
class _Tried:
    """Weights and an alpha, the held-out scores by them, and how good those are."""

    weights: tuple[float, ...]
    alpha: float
    held_out: np.ndarray
    scores: dict


def _search(problem):
    """Tries alphas at equal weights, then other weights at the best of them.

    From the method's default the alpha is raised as long as the log loss falls; where the first
    step does not lower it, it is reduced likewise.
    """
    equal, *others = weightings(len(problem.branches))
    alphas, default = problem.method.alphas, problem.method.default
    best = first = _cross_validate(problem, equal, default)
    yield first
    larger = [alpha for alpha in alphas if alpha > default]
    smaller = [alpha for alpha in reversed(alphas) if alpha < default]
    for side in (larger, smaller):
        if best is not first:
            break
        for alpha in side:
            tried = _cross_validate(problem, equal, alpha)
            yield tried
            if _log_loss(tried) >= _log_loss(best):
                break
            best = tried
    for weights in others:
        yield _cross_validate(problem, weights, best.alpha)


def _cross_validate(problem, weights, alpha):
    labels = problem.labels[problem.judged]
    task, held_out = task_of(labels), problem.held_out_scores(weights, alpha)
    scores = {
        task.metric: task.measure(held_out, labels),
        "log_loss": task.least_log_loss(held_out, labels),
    }
    return _Tried(weights, alpha, held_out, scores)


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
