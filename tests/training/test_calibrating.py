"""A tuned classifier is calibrated on the validation images: by the best calibration there."""

import dataclasses
import types

import numpy as np
import pytest
from scipy.special import log_softmax

from keras_crosspool.models.limited_dense import LimitedDense
from keras_crosspool.training.calibrating import calibrate


@dataclasses.dataclass(frozen=True)
class _Predictions:
    logits: np.ndarray
    labels: np.ndarray


@pytest.fixture
def images():
    """Descriptors, and a classifier whose logits are seven times too small."""
    rng = np.random.default_rng(0)
    kernel, bias = 2 * rng.normal(size=(4, 3)), rng.normal(size=3)
    rows = rng.normal(size=(400, 4)).astype("float32")
    layer = LimitedDense(3)
    layer.build((None, 4))
    layer.assign(kernel, bias, 0.05)
    chances = np.exp(log_softmax(_logits(layer, rows), axis=1))
    labels = np.array([rng.choice(3, p=each) for each in chances])
    layer.assign(kernel / 7, bias / 7, 7 * 0.05, rng.normal(size=4), 0.3)
    return rows, layer, labels


def _logits(layer, rows):
    kernel, bias, inverse_limit, familiarity, familiarity_bias = layer.get_weights()
    scores = rows @ kernel + bias
    common = rows @ familiarity + familiarity_bias
    return scores / (1 + inverse_limit * np.abs(scores)) + common[:, None]


def test_the_logits_are_those_of_the_best_temperature(images):
    rows, layer, labels = images
    model = types.SimpleNamespace(task="single_label", classifier=layer)
    before = _logits(layer, rows)
    found, rejection = calibrate(model, _Predictions(before, labels), reject_rate=0.1)
    np.testing.assert_allclose(found.logits, _logits(layer, rows), rtol=1e-4, atol=1e-4)
    temperature = (before / found.logits).mean()
    assert 1 / 9 < temperature < 1 / 5
    # The limit is where it was for the scores, and the common part is that of the new logits.
    assert layer.get_weights()[2] == pytest.approx(7 * 0.05 * temperature, rel=1e-4)
    losses = [_log_loss(before / t, labels) for t in np.geomspace(0.02, 1, 200)]
    assert _log_loss(found.logits, labels) == pytest.approx(min(losses), abs=1e-3)
    assert rejection.refuses(found.logits).mean() == pytest.approx(0.1, abs=0.01)
    assert (rejection.confidence, rejection.auroc) == ("max_logit", None)


def test_several_labels_are_never_none_of_the_classes(images):
    rows, layer, labels = images
    layer.assign(layer.kernel, layer.bias)  # as solve leaves them for several labels
    model = types.SimpleNamespace(task="multi_label", classifier=layer)
    predictions = _Predictions(_logits(layer, rows), np.eye(3, dtype=int)[labels])
    found, rejection = calibrate(model, predictions, reject_rate=0.1)
    assert rejection is None
    np.testing.assert_allclose(found.logits, _logits(layer, rows), rtol=1e-4, atol=1e-4)


def _log_loss(logits, labels):
    return -log_softmax(logits, axis=1)[np.arange(len(labels)), labels].mean()
