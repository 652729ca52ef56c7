"""Calibration: makes the probabilities of solved scores mean what they say."""

import dataclasses

import numpy as np

_LOG_RANGE = (-7.0, 7.0)
_INVERSE_LIMIT_RANGE = (0.0, 0.2)
_LEAST_GAIN = 0.95  # of the log loss with a temperature alone


@dataclasses.dataclass(frozen=True)
class Calibration:
    """How raw scores become logits: scaled, moved, and bent towards a limit.

    `logits = z / (1 + inverse_limit * |z|)` with `z = scores / temperature + offset`.

    Attributes:
        temperature: float. Defaults to `1.0`.
        offset: float. Defaults to `0.0`.
        inverse_limit: float, one over the size that none of these logits exceeds. Defaults to
            `0.0`, no limit.

    Example:

    >>> Calibration(temperature=0.5, offset=1.0, inverse_limit=0.25).logits(np.array([1.5]))
    array([2.])
    """

    temperature: float = 1.0
    offset: float = 0.0
    inverse_limit: float = 0.0

    def logits(self, scores):
        """The logits of raw scores, float `(n, num_classes)`; a score of minus infinity stays."""
        scaled = np.asarray(scores) / self.temperature + self.offset
        finite = np.isfinite(scaled)
        shrinkage = 1 + self.inverse_limit * np.abs(np.where(finite, scaled, 0.0))
        return np.where(finite, scaled / shrinkage, scaled)


def fit_temperature(scores, labels):
    """The temperature at which `softmax(scores / temperature)` has the lowest log loss.

    One imaginary image more, of any class alike, bounds the confidence by the number of images:
    with all of them classified right the temperature would fall to zero otherwise.

    Args:
        scores: float `(n, num_classes)`, of images the classifier has not seen.
        labels: int `(n,)`.

    Returns:
        The temperature and the log loss of the images there, in nats an image.

    Reference:
        Guo et al., "On Calibration of Modern Neural Networks", ICML 2017, section 4.2; the
        imaginary image is this project's, after Platt's smoothed targets.

    Example:

    >>> scores = np.array([[2.0, 0.0], [0.0, 2.0], [0.0, 2.0], [2.0, 0.0]])
    >>> temperature, _ = fit_temperature(scores, np.array([0, 1, 1, 1]))
    >>> round(temperature, 2)  # 3 + 1/2 of 4 + 1 right: log-odds of log(3.5 / 1.5)
    2.36
    """
    from scipy.optimize import minimize_scalar
    from scipy.special import log_softmax

    rows = np.arange(len(labels))

    def log_likelihoods(log_temperature):
        return log_softmax(scores / np.exp(log_temperature), axis=1)

    def smoothed_loss(log_temperature):
        likelihoods = log_likelihoods(log_temperature)
        return -likelihoods[rows, labels].sum() - likelihoods.mean()

    best = minimize_scalar(smoothed_loss, bounds=_LOG_RANGE, method="bounded").x
    return float(np.exp(best)), float(-log_likelihoods(best)[rows, labels].mean())


def fit_softmax(scores, labels):
    """The calibration at which the softmax of the logits has the lowest log loss.

    A temperature alone treats a difference between two scores alike wherever they lie. Ridge
    scores rise with probabilities, whose logarithms count; a limit on the logits makes up for that
    the more, the more classes there are. Scores are centred first, since the limit sees an offset
    that a softmax does not see. The imaginary image is that of `fit_temperature`. A limit that
    lowers the log loss by less than a twentieth is left out: it would not hold on other images.

    Args:
        scores: float `(n, num_classes)`, of images the classifier has not seen.
        labels: int `(n,)`.

    Returns:
        The `Calibration` and the log loss of the images there, in nats an image.

    Reference:
        The temperature: Guo et al., "On Calibration of Modern Neural Networks", ICML 2017,
        section 4.2. The limit is this project's.

    Example:

    >>> scores = np.eye(4)[[0, 1, 2, 3]] + np.eye(4)[[1, 2, 3, 3]] / 2
    >>> calibration, log_loss = fit_softmax(scores, np.array([0, 1, 2, 3]))
    >>> calibration.logits(scores).argmax(axis=1).tolist()
    [0, 1, 2, 3]
    """
    from scipy.optimize import minimize
    from scipy.special import log_softmax

    mean, rows, count = scores.mean(), np.arange(len(labels)), len(labels)
    centred = scores - mean

    def smoothed_loss(parameters):
        log_temperature, inverse_limit = parameters
        scaled = centred / np.exp(log_temperature)
        shrinkage = 1 / (1 + inverse_limit * np.abs(scaled))
        likelihoods = log_softmax(scaled * shrinkage, axis=1)
        loss = -likelihoods[rows, labels].sum() - likelihoods.mean()
        slope = (1 + 1 / count) * np.exp(likelihoods) - 1 / likelihoods.size
        slope[rows, labels] -= 1
        slope *= shrinkage**2 * scaled
        return loss / count, -np.array([slope.sum(), (slope * np.abs(scaled)).sum()]) / count

    alone, loss_alone = fit_temperature(scores, labels)
    start = np.clip(np.log(alone), *_LOG_RANGE)
    log_temperature, inverse_limit = minimize(
        smoothed_loss,
        (start, 0.0),
        jac=True,
        method="L-BFGS-B",
        bounds=[_LOG_RANGE, _INVERSE_LIMIT_RANGE],
        options={"ftol": 1e-12, "gtol": 1e-9},
    ).x
    temperature = float(np.exp(log_temperature))
    calibration = Calibration(temperature, float(-mean / temperature), float(inverse_limit))
    log_loss = float(-log_softmax(calibration.logits(scores), axis=1)[rows, labels].mean())
    if log_loss > _LEAST_GAIN * loss_alone:
        return Calibration(alone), loss_alone
    return calibration, log_loss


def fit_sigmoid(scores, labels):
    """The scale and offset at which `sigmoid(scores / temperature + offset)` is calibrated.

    One scale and one offset serve all labels; each label's own bias is in its scores. As in
    `fit_temperature` one imaginary image more bounds the confidence; here it has each label as
    often as the images do, so that rare labels stay rare.

    Args:
        scores: float `(n, num_classes)`, of images the classifier has not seen.
        labels: int `(n, num_classes)`, multi-hot.

    Returns:
        The `Calibration`, without a limit, and the log loss of the images there, in nats a label.

    Reference:
        Platt, "Probabilistic Outputs for Support Vector Machines", 1999, with the scale and the
        offset shared by the labels.

    Example:

    >>> scores = np.array([[0.0], [0.0], [0.0], [0.0], [1.0], [1.0], [1.0], [1.0]])
    >>> labels = np.array([[1], [0], [0], [0], [1], [1], [1], [0]])
    >>> calibration, _ = fit_sigmoid(scores, labels)
    >>> chances = 1 / (1 + np.exp(-calibration.logits(scores[[0, 4], 0])))
    >>> chances.round(2).tolist()  # 1 of 4 and 3 of 4, and a ninth image of either kind
    [0.28, 0.72]
    """
    from scipy.optimize import minimize
    from scipy.special import expit, logit

    count = len(labels)
    weight = 1 + 1 / count
    wanted = labels + labels.mean(axis=0) / count

    def smoothed_loss(parameters):
        log_temperature, offset = parameters
        scaled = scores / np.exp(log_temperature)
        logits = scaled + offset
        loss = weight * np.logaddexp(0, logits) - wanted * logits
        slope = weight * expit(logits) - wanted
        gradient = [-(slope * scaled).mean(), slope.mean()]
        return loss.mean(), np.array(gradient)

    start = np.clip(np.log(scores.std() + 1e-9), *_LOG_RANGE), logit(wanted.mean() / weight)
    best = minimize(
        smoothed_loss,
        start,
        jac=True,
        method="L-BFGS-B",
        bounds=[_LOG_RANGE, (None, None)],
        options={"ftol": 1e-12, "gtol": 1e-9},
    ).x
    calibration = Calibration(float(np.exp(best[0])), float(best[1]))
    return calibration, binary_log_loss(calibration.logits(scores), labels)


def reliability(confidences, right, bins=15):
    """How often answers of about one confidence are right, bin by bin.

    Args:
        confidences: float `(n,)`, probabilities of the answers.
        right: bool `(n,)`, whether the answers are right.
        bins: int, of equal width from 0 to 1. Defaults to `15`.

    Returns:
        float `(filled, 3)`, of each bin that has answers: the mean confidence, the share that is
        right, and the share of all answers.

    Example:

    >>> reliability(np.array([0.2, 0.9, 0.9]), np.array([False, True, False])).round(2).tolist()
    [[0.2, 0.0, 0.33], [0.9, 0.5, 0.67]]
    """
    number = np.minimum((np.asarray(confidences) * bins).astype(int), bins - 1)
    rows = [
        (confidences[number == each].mean(), right[number == each].mean(), np.mean(number == each))
        for each in np.unique(number)
    ]
    return np.array(rows)


def calibration_error(confidences, right, bins=15):
    """The expected calibration error: how far confidences are from the share that is right.

    Of few answers it is above zero even where the confidences are true.

    Args:
        confidences: float `(n,)`, probabilities of the answers.
        right: bool `(n,)`, whether the answers are right.
        bins: int. Defaults to `15`.

    Returns:
        float, from 0 to 1.

    Reference:
        Guo et al., "On Calibration of Modern Neural Networks", ICML 2017, section 2.

    Example:

    >>> calibration_error(np.array([0.8, 0.8]), np.array([True, False]))
    0.3
    """
    confident, accuracy, share = reliability(confidences, right, bins).T
    return float(np.round(np.sum(share * np.abs(confident - accuracy)), 12))


def answered_curve(confidences, right):
    """How many answers are right where only the surest are given.

    Args:
        confidences: float `(n,)`.
        right: bool `(n,)`, whether the answers are right.

    Returns:
        float `(n, 2)`: the share of images that is answered, the surest first, and the share of
        those answers that is right.

    Reference:
        El-Yaniv and Wiener, "On the Foundations of Noise-free Selective Classification", JMLR 11,
        2010: the curve of risk against coverage, here of accuracy.

    Example:

    >>> answered_curve(np.array([0.5, 0.9]), np.array([False, True])).tolist()
    [[0.5, 1.0], [1.0, 0.5]]
    """
    surest = np.asarray(right)[np.argsort(-np.asarray(confidences), kind="stable")]
    answered = np.arange(1, len(surest) + 1)
    return np.stack([answered / len(surest), np.cumsum(surest) / answered], axis=1)


def binary_log_loss(logits, labels):
    """The mean of `-log p` of what is true of each label of each image, in nats."""
    return float(np.logaddexp(0, np.where(labels, -logits, logits)).mean())
