"""Calibrates a tuned classifier on the validation images, the only ones it was not made from."""

import dataclasses

from keras_crosspool.targets import TARGETS
from keras_crosspool.targets.rejection import choose_rejection


def calibrate(model, predictions, reject_rate):
    """Fits calibration and rejection to validation images, and writes the calibration in.

    The limit of the logits, if there is one, moves with the temperature: what it does to the
    probabilities stays as it was fitted to many held-out images.

    Args:
        model: `CrossPoolClassifier`; its last layer is changed.
        predictions: `Predictions` of that model.
        reject_rate: float, the share of images of the classes that may be said to be of none.

    Returns:
        The calibrated `Predictions`, and the `Rejection`, `None` for several labels an image.
    """
    task, labels, layer = TARGETS[model.task], predictions.labels, model.classifier
    found = task.calibrate_again(predictions.logits, labels)
    layer.assign(
        layer.kernel / found.temperature,
        layer.bias / found.temperature + found.offset,
        layer.inverse_limit * found.temperature,
        layer.familiarity / found.temperature,
        layer.familiarity_bias / found.temperature,
    )
    logits = found.logits(predictions.logits)
    rejection = choose_rejection(logits, labels, None, reject_rate) if task.rejects else None
    return dataclasses.replace(predictions, logits=logits), rejection
