"""Thresholds: from which probability on a label is said to be there."""

import numpy as np


def best_thresholds(probabilities, labels):
    """The threshold of each label with the highest F1 on labelled images.

    A label that none of the images has takes the one threshold that is best for all labels
    together.

    Args:
        probabilities: float `(n, num_classes)`.
        labels: int `(n, num_classes)`, multi-hot.

    Returns:
        float `(num_classes,)`: the labels with `probability >= threshold` are chosen.

    Raises:
        ValueError: if no image has any label.

    Example:

    >>> probabilities = np.array([[0.9, 0.2], [0.7, 0.1], [0.4, 0.3]])
    >>> best_thresholds(probabilities, np.array([[1, 0], [1, 0], [0, 1]])).round(2).tolist()
    [0.55, 0.25]
    """
    if not labels.any():
        raise ValueError("Thresholds need images with labels. Received: none")
    common = _best_threshold(probabilities.ravel(), labels.ravel())
    return np.array(
        [
            _best_threshold(column, truth) if truth.any() else common
            for column, truth in zip(probabilities.T, labels.T, strict=True)
        ]
    )


def _best_threshold(probabilities, truth):
    """Midway between the last image that is best included and the next below it."""
    from sklearn.metrics import precision_recall_curve

    precision, recall, cuts = precision_recall_curve(truth, probabilities)
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
    best = int(np.argmax(f1[:-1]))  # the last point includes no image
    below = cuts[best - 1] if best else 0.0
    return float((cuts[best] + below) / 2)
