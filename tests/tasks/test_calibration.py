"""The temperature of the softmax."""

import numpy as np
import pytest
from scipy.special import log_softmax, softmax

from keras_crosspool.tasks.calibration import fit_temperature


def _scores(count=4000, classes=5, sharpness=3.0, seed=0):
    """Scores whose labels are drawn by their softmax, so that temperature 1 is the truth."""
    rng = np.random.default_rng(seed)
    scores = sharpness * rng.normal(size=(count, classes))
    chances = softmax(scores, axis=1).cumsum(axis=1)
    return scores, (rng.uniform(size=(count, 1)) > chances).sum(axis=1)


@pytest.mark.parametrize("scale", [0.01, 1.0, 50.0])
def test_recovers_the_scale_of_the_scores(scale):
    scores, labels = _scores()
    temperature, _ = fit_temperature(scale * scores, labels)
    assert temperature == pytest.approx(scale, rel=0.05)


def test_log_loss_is_that_of_the_pictures_and_lowest_there():
    scores, labels = _scores(sharpness=2.0)
    temperature, log_loss = fit_temperature(7 * scores, labels)

    def loss(t):
        return -log_softmax(7 * scores / t, axis=1)[np.arange(len(labels)), labels].mean()

    assert log_loss == pytest.approx(loss(temperature), rel=1e-6)
    for factor in (0.8, 1.25):
        assert log_loss < loss(factor * temperature)


def test_scores_that_say_nothing_become_even_chances():
    rng = np.random.default_rng(0)
    scores, labels = rng.normal(size=(2000, 4)), rng.integers(0, 4, 2000)
    temperature, log_loss = fit_temperature(scores, labels)
    assert softmax(scores / temperature, axis=1).max() < 0.4
    assert log_loss == pytest.approx(np.log(4), rel=0.02)


@pytest.mark.parametrize("count", [12, 120])
def test_confidence_is_bounded_by_the_number_of_pictures(count):
    # All right by a wide margin: without a bound the chances would be 1 and 0 exactly, and every
    # strength of a classifier would look equally good.
    labels = np.arange(count) % 3
    scores = np.eye(3)[labels]
    temperature, log_loss = fit_temperature(scores, labels)
    confidence = softmax(scores / temperature, axis=1).max(axis=1).mean()
    # One imaginary picture more, of any class alike: two thirds of it are wrong.
    assert 1 - confidence == pytest.approx(2 / 3 / (count + 1), rel=0.05)
    assert log_loss > 0
