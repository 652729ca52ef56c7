"""Calibrates a tuned classifier on the validation images, the only ones it was not made from."""

import dataclasses

from keras_crosspool.numerics.calibration import Calibration
from keras_crosspool.targets import TARGETS
from keras_crosspool.targets.rejection import choose_rejection


def calibrate(model, predictions, reject_rate):
    """Fits calibration and rejection to validation images, and writes the calibration in.

    Args:
        model: `CrossPoolClassifier`; its last layer is changed.
        predictions: `Predictions` of that model.
        reject_rate: float, the share of images of the classes that may be said to be of none.

    Returns:
        The calibrated `Predictions`, and the `Rejection`, `None` for several labels an image.
    """
    task, logits, labels = TARGETS[model.task], predictions.logits, predictions.labels
    kernel, bias, inverse_limit = model.classifier.get_weights()
    scores = Calibration(inverse_limit=float(inverse_limit)).scores(logits)
    found, _ = task.calibrate(scores, labels)
    bias = bias / found.temperature + found.offset
    model.classifier.assign(kernel / found.temperature, bias, found.inverse_limit)
    logits = found.logits(scores)
    rejection = choose_rejection(logits, labels, None, reject_rate) if task.rejects else None
    return dataclasses.replace(predictions, logits=logits), rejection
