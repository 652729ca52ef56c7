"""The temperature of the softmax, the scale and offset of the sigmoid."""

import numpy as np
import pytest
from scipy.special import expit, log_softmax, softmax
from sklearn import metrics
from sklearn.linear_model import LogisticRegression

from keras_crosspool.numerics.calibration import (
    Calibration,
    answered_curve,
    fit_sigmoid,
    fit_softmax,
    fit_temperature,
)


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


def test_log_loss_is_that_of_the_images_and_lowest_there():
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
def test_confidence_is_bounded_by_the_number_of_images(count):
    # All right by a wide margin: without a bound the chances would be 1 and 0 exactly, and every
    # alpha of a classifier would look equally good.
    labels = np.arange(count) % 3
    scores = np.eye(3)[labels]
    temperature, log_loss = fit_temperature(scores, labels)
    confidence = softmax(scores / temperature, axis=1).max(axis=1).mean()
    # One imaginary image more, of any class alike: two thirds of it are wrong.
    assert 1 - confidence == pytest.approx(2 / 3 / (count + 1), rel=0.05)
    assert log_loss > 0


def _limited_scores(inverse_limit, scale, shift):
    """Scores whose labels are drawn by the softmax of logits that a limit bends."""
    rng = np.random.default_rng(1)
    centred = 20 * rng.gamma(0.1, size=(6000, 80))  # a few are large, as scores of classes are
    centred -= centred.mean()
    logits = centred / (1 + inverse_limit * np.abs(centred))
    draws = logits + rng.gumbel(size=logits.shape)
    return scale * centred + shift, draws.argmax(axis=1), logits


@pytest.mark.parametrize(("scale", "shift"), [(0.02, 0.4), (1.0, 0.0), (30.0, -50.0)])
@pytest.mark.parametrize("inverse_limit", [0.0, 0.1])
def test_softmax_recovers_temperature_and_limit(inverse_limit, scale, shift):
    scores, labels, logits = _limited_scores(inverse_limit, scale, shift)
    found, log_loss = fit_softmax(scores, labels)
    assert found.inverse_limit == pytest.approx(inverse_limit, abs=0.01)
    assert found.temperature == pytest.approx(scale, rel=0.1)
    chances = softmax(logits, axis=1)
    np.testing.assert_allclose(softmax(found.logits(scores), axis=1), chances, atol=0.05)
    assert log_loss == pytest.approx(metrics.log_loss(labels, chances), rel=0.01)


def test_softmax_is_better_than_any_temperature_where_scores_are_probabilities():
    rng = np.random.default_rng(2)
    chances = rng.dirichlet(np.full(50, 0.05), 3000)  # as a ridge's scores are: not logarithms
    labels = np.array([rng.choice(50, p=each) for each in chances])
    found, log_loss = fit_softmax(chances, labels)
    assert log_loss < 0.8 * fit_temperature(chances, labels)[1]
    assert found.inverse_limit > 0.03
    np.testing.assert_array_equal(found.logits(chances).argmax(1), chances.argmax(1))


def test_a_limit_that_gains_less_than_a_twentieth_is_left_out():
    scores, labels, _ = _limited_scores(0.01, scale=0.3, shift=2.0)
    temperature, log_loss = fit_temperature(scores, labels)
    assert fit_softmax(scores, labels) == (Calibration(temperature), log_loss)


def test_a_score_of_minus_infinity_stays():
    found = Calibration(0.5, 1.0, 0.1).logits(np.array([-np.inf, 1.0]))
    np.testing.assert_allclose(found, [-np.inf, 3 / 1.3])
    assert Calibration().logits(np.array([-np.inf]))[0] == -np.inf


@pytest.mark.parametrize("count", [12, 120])
def test_softmax_confidence_is_bounded_by_the_number_of_images(count):
    labels = np.arange(count) % 3
    found, log_loss = fit_softmax(np.eye(3)[labels], labels)
    confidence = softmax(found.logits(np.eye(3)[labels]), axis=1).max(axis=1)
    # With the imaginary image, 2/3 of one image in (count + 1) is wrong.
    np.testing.assert_allclose(1 - confidence, 2 / 3 / (count + 1), rtol=0.05)
    assert log_loss > 0


def _multi_hot_scores(count=3000, classes=6, seed=0):
    """Logits that say how likely each label is, and labels drawn so."""
    rng = np.random.default_rng(seed)
    logits = 2 * rng.normal(size=(count, classes)) - 2.5
    return logits, (rng.uniform(size=logits.shape) < expit(logits)).astype(int)


@pytest.mark.parametrize(("scale", "shift"), [(0.02, 0.4), (1.0, 0.0), (30.0, -50.0)])
def test_sigmoid_recovers_scale_and_offset(scale, shift):
    logits, labels = _multi_hot_scores()
    scores = scale * logits + shift
    found, log_loss = fit_sigmoid(scores, labels)
    temperature, offset = found.temperature, found.offset
    assert temperature == pytest.approx(scale, rel=0.05)
    assert offset == pytest.approx(-shift / scale, rel=0.1, abs=0.1)
    np.testing.assert_allclose(scores / temperature + offset, logits, atol=0.5)
    chances = expit(scores / temperature + offset)
    expected = metrics.log_loss(labels.ravel(), chances.ravel())
    assert log_loss == pytest.approx(expected, rel=1e-6)
    # Calibrated: as many labels are there as the chances promise.
    assert chances.mean() == pytest.approx(labels.mean(), rel=0.01)


def test_sigmoid_equals_logistic_regression_on_many_images():
    logits, labels = _multi_hot_scores(seed=3)
    found, _ = fit_sigmoid(logits, labels)
    platt = LogisticRegression(C=np.inf, tol=1e-8).fit(logits.reshape(-1, 1), labels.ravel())
    assert 1 / found.temperature == pytest.approx(platt.coef_[0, 0], rel=2e-3)
    assert found.offset == pytest.approx(platt.intercept_[0], abs=5e-3)


@pytest.mark.parametrize("count", [12, 120])
def test_sigmoid_confidence_is_bounded_by_the_number_of_images(count):
    labels = np.eye(3, dtype=int)[np.arange(count) % 3]
    found, log_loss = fit_sigmoid(labels.astype(float), labels)
    wrong = np.abs(expit(labels / found.temperature + found.offset) - labels)
    # One imaginary image more with each label one time in three: of what is there, two thirds of
    # 1 / (count / 3 + 1 / 3 + ...) are wrong; both kinds of error come equally often.
    assert wrong.sum() == pytest.approx(3 * 2 * (1 / 3) * (2 / 3) * count / (count + 1), rel=0.05)
    assert log_loss > 0


def test_scores_that_rank_wrongly_are_not_turned_round():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, (400, 3))
    found, log_loss = fit_sigmoid(-labels.astype(float), labels)
    assert found.temperature > 100
    assert log_loss == pytest.approx(np.log(2), rel=0.02)


def test_the_curve_of_answers_is_what_thresholds_give():
    rng = np.random.default_rng(0)
    confidences = rng.permutation(50) / 50
    right = rng.random(50) < confidences
    for share, found in answered_curve(confidences, right):
        answered = confidences >= np.sort(confidences)[50 - round(50 * share)]
        assert answered.mean() == pytest.approx(share)
        assert right[answered].mean() == pytest.approx(found)
