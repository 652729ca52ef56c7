"""Temperature scaling: makes the softmax of solved scores mean what it says."""

import numpy as np

_LOG_RANGE = (-7.0, 7.0)


def fit_temperature(scores, labels):
    """The temperature at which `softmax(scores / temperature)` has the lowest log loss.

    Args:
        scores: float `(n, num_classes)`, of pictures the classifier has not seen.
        labels: int `(n,)`.

    Returns:
        The temperature and the log loss there, in nats a picture.

    Source:
        Guo et al., "On Calibration of Modern Neural Networks", ICML 2017, section 4.2.

    Example:

    >>> scores = np.array([[2.0, 0.0], [0.0, 2.0], [0.0, 2.0], [2.0, 0.0]])
    >>> temperature, _ = fit_temperature(scores, np.array([0, 1, 1, 1]))
    >>> round(temperature, 2)  # three of four right: log-odds of log(3)
    1.82
    """
    from scipy.optimize import minimize_scalar
    from scipy.special import log_softmax

    rows = np.arange(len(labels))

    def log_loss(log_temperature):
        return -log_softmax(scores / np.exp(log_temperature), axis=1)[rows, labels].mean()

    best = minimize_scalar(log_loss, bounds=_LOG_RANGE, method="bounded")
    return float(np.exp(best.x)), float(best.fun)
