"""Temperature scaling: makes the softmax of solved scores mean what it says."""

import numpy as np

_LOG_RANGE = (-7.0, 7.0)


def fit_temperature(scores, labels):
    """The temperature at which `softmax(scores / temperature)` has the lowest log loss.

    One imaginary picture more, of any class alike, bounds the confidence by the number of pictures:
    with all of them classified right the temperature would fall to zero otherwise.

    Args:
        scores: float `(n, num_classes)`, of pictures the classifier has not seen.
        labels: int `(n,)`.

    Returns:
        The temperature and the log loss of the pictures there, in nats a picture.

    Source:
        Guo et al., "On Calibration of Modern Neural Networks", ICML 2017, section 4.2; the
        imaginary picture is this project's, after Platt's smoothed targets.

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
