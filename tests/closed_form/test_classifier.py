"""The solved classifier: its alpha, its folds and its calibration."""

import numpy as np
import pytest
from absl import logging
from scipy.special import log_softmax
from sklearn import metrics
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.svm import SVC

from keras_crosspool.closed_form.branch import Branch
from keras_crosspool.closed_form.choice import Choice
from keras_crosspool.closed_form.classifier import solve_branches
from keras_crosspool.closed_form.methods import METHODS
from keras_crosspool.numerics.calibration import Calibration
from tests.common_part import common_part


def _data(per_class=12, classes=3, dims=40, noise=1.0, seed=0):
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(classes), per_class)
    rows = np.eye(classes, dims)[labels] * 2 + noise * rng.normal(size=(len(labels), dims))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype("float32"), labels


def test_logits_are_the_ridge_solution_over_the_temperature():
    descriptors, labels = _data()
    classifier = solve_branches([Branch(descriptors)], labels, 3)
    expected = Ridge(alpha=classifier.alpha).fit(descriptors, np.eye(3)[labels])
    calibration = classifier.calibration
    scores = expected.predict(descriptors) / calibration.temperature + calibration.offset
    found = descriptors @ classifier.kernel + classifier.bias
    np.testing.assert_allclose(found, scores, rtol=1e-3, atol=1e-3)
    logits = scores / (1 + calibration.inverse_limit * np.abs(scores))
    logits += common_part(descriptors, descriptors, labels)
    np.testing.assert_allclose(classifier.logits(descriptors), logits, rtol=1e-3, atol=1e-3)
    assert classifier.kernel.dtype == classifier.bias.dtype == np.float32


def test_alpha_has_the_lowest_cross_validated_log_loss():
    descriptors, labels = _data(noise=1.5)
    classifier = solve_branches([Branch(descriptors)], labels, 3, seed=4)
    losses = {}
    folds = StratifiedKFold(5, shuffle=True, random_state=4)
    for alpha in METHODS["ridge"].alphas:
        scores = np.empty((len(labels), 3))
        for rest, held_out in folds.split(descriptors, labels):
            ridge = Ridge(alpha=alpha).fit(descriptors[rest], np.eye(3)[labels[rest]])
            scores[held_out] = ridge.predict(descriptors[held_out])
        losses[alpha] = min(_log_loss(scores / t, 0, labels) for t in np.geomspace(0.01, 100, 2000))
        if alpha not in classifier.validation:
            continue
        accuracy = (scores.argmax(axis=1) == labels).mean()
        assert classifier.validation[alpha]["accuracy"] == pytest.approx(accuracy)
        # The temperature is fitted with one imaginary image more, so not quite as low.
        assert classifier.validation[alpha]["log_loss"] == pytest.approx(losses[alpha], rel=0.02)
    assert len(classifier.validation) > 1
    assert classifier.alpha == min(losses, key=losses.get)


def _log_loss(scores, inverse_limit, labels):
    logits = scores / (1 + inverse_limit * np.abs(scores))
    return -log_softmax(logits, axis=1)[np.arange(len(labels)), labels].mean()


@pytest.mark.parametrize("method", ["ridge", "svm"])
def test_mirrored_rows_stay_in_their_images_fold(method):
    # The rows say nothing of the labels, but a mirror image equals its image: a classifier that
    # has seen the one knows the other, so a leak looks like perfect accuracy.
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(60, 400)).astype("float32")
    labels = np.arange(60) % 4
    twice, labels_twice = np.concatenate([rows, rows]), np.tile(labels, 2)
    images = np.tile(np.arange(60), 2)
    kept = solve_branches([Branch(twice)], labels_twice, 4, method, images)
    assert max(v["accuracy"] for v in kept.validation.values()) < 0.5
    leaking = solve_branches([Branch(twice)], labels_twice, 4, method)
    assert max(v["accuracy"] for v in leaking.validation.values()) > 0.7


def test_one_image_a_class_is_solved_and_said_aloud(monkeypatch):
    warnings = []
    monkeypatch.setattr(logging, "warning", lambda message, *args: warnings.append(message % args))
    descriptors, _ = _data(per_class=1, classes=4, noise=0.1)
    # Mirror images are no further images.
    rows, labels = np.concatenate([descriptors, descriptors]), np.tile(np.arange(4), 2)
    classifier = solve_branches([Branch(rows)], labels, 4, images=labels)
    assert (classifier.alpha, classifier.calibration) == (METHODS["ridge"].default, Calibration())
    assert classifier.validation == {}
    assert ((rows @ classifier.kernel + classifier.bias).argmax(axis=1) == labels).all()
    (warning,) = warnings
    assert "One image a class" in warning


@pytest.mark.parametrize("method", ["ridge", "svm"])
@pytest.mark.parametrize("counts", [(20, 3, 1), (2, 1), (1, 1, 2), (30, 2, 2)])
def test_unbalanced_classes(method, counts):
    labels = np.repeat(np.arange(len(counts)), counts)
    rng = np.random.default_rng(0)
    rows = np.eye(len(counts))[labels] + 0.05 * rng.normal(size=(len(labels), len(counts)))
    classifier = solve_branches([Branch(rows.astype("float32"))], labels, len(counts), method)
    logits = classifier.logits(rows)
    assert np.isfinite(logits).all()
    assert (logits.argmax(axis=1) == labels).all()


@pytest.mark.parametrize("method", ["ridge", "svm"])
def test_separable_classes_keep_finite_confidence(method):
    descriptors, labels = _data(per_class=6, noise=0.05)
    classifier = solve_branches([Branch(descriptors)], labels, 3, method)
    logits = classifier.logits(descriptors)
    assert (logits.argmax(axis=1) == labels).all()
    chances = np.exp(log_softmax(logits, axis=1)).max(axis=1)
    # 18 images, all right: they do not show that fewer than one in a hundred goes wrong.
    assert (chances < 0.999).all()


def _multi_hot_data(count=80, classes=3, dims=40, seed=0):
    rng = np.random.default_rng(seed)
    labels = (rng.uniform(size=(count, classes)) < [0.5, 0.3, 0.1]).astype(int)
    rows = 2 * labels @ np.eye(classes, dims) + rng.normal(size=(count, dims))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype("float32"), labels


def _held_out(machine, rows, labels, seed):
    """The scores of each image by a machine that has not seen it, one label after the other."""
    scores = np.empty(labels.shape)
    for rest, held_out in KFold(5, shuffle=True, random_state=seed).split(rows):
        for label in range(labels.shape[1]):
            machine.fit(rows[rest], labels[rest, label])
            decide = getattr(machine, "decision_function", machine.predict)
            scores[held_out, label] = decide(rows[held_out])
    return scores


@pytest.mark.parametrize("method", ["ridge", "svm"])
def test_multi_hot_labels_equal_one_machine_a_label(method):
    rows, labels = _multi_hot_data()
    classifier = solve_branches([Branch(rows)], labels, 3, method, seed=2)
    make = {"ridge": lambda x: Ridge(alpha=x), "svm": lambda x: SVC(C=x, kernel="linear")}[method]
    losses = {}
    for alpha, found in classifier.validation.items():
        scores = _held_out(make(alpha), rows, labels, seed=2)
        # No more than scikit-learn's own Platt scaling with one scale and offset for all labels.
        platt = LogisticRegression(C=np.inf).fit(scores.reshape(-1, 1), labels.ravel())
        chances = platt.predict_proba(scores.reshape(-1, 1))
        losses[alpha] = metrics.log_loss(labels.ravel(), chances)
        assert found["log_loss"] == pytest.approx(losses[alpha], rel=0.02)
        expected = metrics.average_precision_score(labels, scores)
        assert found["mean_average_precision"] == pytest.approx(expected, abs=2e-3)
    assert classifier.alpha == min(losses, key=losses.get)
    logits = classifier.logits(rows)
    machine = make(classifier.alpha)
    for label in range(3):
        machine.fit(rows, labels[:, label])
        scores = getattr(machine, "decision_function", machine.predict)(rows)
        expected = scores / classifier.calibration.temperature + classifier.calibration.offset
        np.testing.assert_allclose(logits[:, label], expected, rtol=1e-2, atol=2e-2)
    assert classifier.thresholds.shape == (3,)
    assert ((classifier.thresholds > 0) & (classifier.thresholds < 1)).all()


@pytest.mark.parametrize("method", ["ridge", "svm"])
def test_labels_that_all_or_no_images_have(method):
    rows, labels = _multi_hot_data()
    labels[:, 1], labels[:, 2] = 1, 0
    classifier = solve_branches([Branch(rows)], labels, 3, method)
    logits = classifier.logits(rows)
    assert np.isfinite(logits).all()
    assert logits[:, 1].min() > logits[:, 2].max() + 1


def test_groups_of_images_stay_in_one_fold():
    # Ten groups of equal rows that say nothing of their labels: only a leak tells those.
    rng = np.random.default_rng(0)
    rows = np.repeat(rng.normal(size=(20, 200)), 3, axis=0).astype("float32")
    labels = np.repeat(rng.integers(0, 2, (20, 4)), 3, axis=0)
    kept = solve_branches([Branch(rows)], labels, 4, images=np.repeat(np.arange(20) * 7, 3))
    leaking = solve_branches([Branch(rows)], labels, 4)
    best = [
        max(v["mean_average_precision"] for v in x.validation.values()) for x in (kept, leaking)
    ]
    assert best[0] < 0.75 < 0.95 < best[1]


def test_equal_seeds_give_equal_classifiers():
    descriptors, labels = _data(noise=1.5)
    first, second = (solve_branches([Branch(descriptors)], labels, 3, seed=1) for _ in range(2))
    np.testing.assert_array_equal(first.kernel, second.kernel)
    assert first.validation == second.validation


def test_bad_input_is_named():
    descriptors, labels = _data()
    with pytest.raises(ValueError, match=r"one of ridge, svm.*Received: 'lda'"):
        solve_branches([Branch(descriptors)], labels, 3, "lda")
    with pytest.raises(ValueError, match=r"two classes or more.*Received: one class"):
        solve_branches([Branch(descriptors)], np.zeros_like(labels), 3)


@pytest.mark.parametrize("form", ["gram", "primal"])
def test_a_choice_that_was_made_before_is_kept_whole(form):
    """Nothing is cross-validated: the images have shaped the descriptors, and it would flatter."""
    descriptors, labels = _data()
    kept = Choice((1.0,), alpha=0.3, calibration=Calibration(0.25, 1.5, 0.1))
    classifier = solve_branches([Branch(descriptors)], labels, 3, form=form, kept=kept)
    expected = Ridge(alpha=0.3).fit(descriptors, np.eye(3)[labels])
    scores = expected.predict(descriptors) / 0.25 + 1.5
    logits = scores / (1 + 0.1 * np.abs(scores)) + common_part(descriptors, descriptors, labels)
    np.testing.assert_allclose(classifier.logits(descriptors), logits, atol=1e-4)
    assert classifier.choice == kept
    assert classifier.cross_validated == {}
    assert classifier.interval is classifier.same_sessions is classifier.rejection is None
