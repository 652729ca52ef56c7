"""A tuned classifier is calibrated on the validation images: by the best calibration there."""

import dataclasses
import types

import numpy as np
import pytest
from scipy.special import log_softmax

from keras_crosspool.training.calibrating import calibrate


@dataclasses.dataclass(frozen=True)
class _Predictions:
    logits: np.ndarray
    labels: np.ndarray


class _Layer:
    def __init__(self, *weights):
        self.weights = list(weights)

    def get_weights(self):
        return self.weights

    def assign(self, *weights):
        self.weights = list(weights)


@pytest.fixture
def images():
    """Descriptors, and a classifier whose logits are seven times too small."""
    rng = np.random.default_rng(0)
    kernel, bias = rng.normal(size=(4, 3)), rng.normal(size=3)
    rows = rng.normal(size=(400, 4))
    chances = np.exp(log_softmax(rows @ kernel + bias, axis=1))
    labels = np.array([rng.choice(3, p=each) for each in chances])
    return rows, _Layer(kernel / 7, bias / 7, 0.05), labels


def _logits(layer, rows):
    kernel, bias, inverse_limit = layer.get_weights()
    scores = rows @ kernel + bias
    return scores / (1 + inverse_limit * np.abs(scores))


def test_the_logits_are_those_of_the_best_calibration(images):
    rows, layer, labels = images
    model = types.SimpleNamespace(task="single_label", classifier=layer)
    kernel, bias, _ = layer.get_weights()
    scores, before = rows @ kernel + bias, _logits(layer, rows)
    found, rejection = calibrate(model, _Predictions(before, labels), reject_rate=0.1)
    np.testing.assert_allclose(found.logits, _logits(layer, rows))
    assert 5 < (layer.get_weights()[0] / kernel).mean() < 9
    # Three classes gain less than a twentieth by a limit: a temperature alone it is.
    losses = [_log_loss(scores / t, labels) for t in np.geomspace(0.02, 1, 200)]
    assert layer.get_weights()[2] == 0
    assert _log_loss(found.logits, labels) == pytest.approx(min(losses), abs=1e-3)
    assert rejection.refuses(found.logits).mean() == pytest.approx(0.1, abs=0.01)
    assert (rejection.confidence, rejection.auroc) == ("max_logit", None)


def test_several_labels_are_never_none_of_the_classes(images):
    rows, layer, labels = images
    model = types.SimpleNamespace(task="multi_label", classifier=layer)
    predictions = _Predictions(_logits(layer, rows), np.eye(3, dtype=int)[labels])
    found, rejection = calibrate(model, predictions, reject_rate=0.1)
    assert rejection is None
    np.testing.assert_allclose(found.logits, _logits(layer, rows))


def _log_loss(logits, labels):
    return -log_softmax(logits, axis=1)[np.arange(len(labels)), labels].mean()
