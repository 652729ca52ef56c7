"""Calibrates a tuned classifier on the validation images, the only ones it was not made from."""

import dataclasses

from keras_crosspool.targets import TARGETS
from keras_crosspool.targets.rejection import choose_rejection


def calibrate(model, predictions, reject_rate):
    """Fits temperature and rejection to validation images, and writes the temperature in.

    Args:
        model: `CrossPoolClassifier`; its last layer is changed.
        predictions: `Predictions` of that model.
        reject_rate: float, the share of images of the classes that may be said to be of none.

    Returns:
        The calibrated `Predictions`, and the `Rejection`, `None` for several labels an image.
    """
    task, logits, labels = TARGETS[model.task], predictions.logits, predictions.labels
    temperature, offset, _ = task.calibrate(logits, labels)
    kernel, bias = model.classifier.get_weights()
    model.classifier.set_weights([kernel / temperature, bias / temperature + offset])
    logits = logits / temperature + offset
    rejection = choose_rejection(logits, labels, None, reject_rate) if task.rejects else None
    return dataclasses.replace(predictions, logits=logits), rejection
