"""The multi-label task against scikit-learn and explicit counting."""

import json

import numpy as np
import pytest
from keras import ops
from scipy.special import expit
from sklearn import metrics

from keras_crosspool.numerics.thresholds import best_thresholds
from keras_crosspool.targets import MULTI_LABEL, SINGLE_LABEL, task_of

NAMES = ("bread", "milk", "pear", "plum", "absent")


@pytest.fixture(scope="module")
def example():
    """Logits of 150 images for five labels, of which none has the last and some have none."""
    rng = np.random.default_rng(0)
    labels = (rng.uniform(size=(150, 5)) < [0.5, 0.3, 0.1, 0.05, 0.0]).astype(int)
    return 2 * labels - 2 + rng.normal(size=labels.shape), labels


def test_labels_tell_their_task(example):
    assert task_of(example[1]) is MULTI_LABEL
    assert task_of(np.array([0, 2])) is SINGLE_LABEL


def test_scores_equal_scikit_learn(example):
    logits, labels = example
    thresholds = np.array([0.4, 0.3, 0.2, 0.6, 0.5])
    scores = MULTI_LABEL.score(logits, labels, NAMES, thresholds=thresholds)
    chosen = expit(logits) >= thresholds
    assert list(scores.classes) == list(NAMES[:4])
    for index, name in enumerate(NAMES[:4]):
        row, truth = scores.classes[name], labels[:, index]
        expected = metrics.average_precision_score(truth, logits[:, index])
        assert row["average_precision"] == pytest.approx(expected)
        assert row["precision"] == pytest.approx(metrics.precision_score(truth, chosen[:, index]))
        assert row["recall"] == pytest.approx(metrics.recall_score(truth, chosen[:, index]))
        assert row["f1"] == pytest.approx(metrics.f1_score(truth, chosen[:, index]))
        assert row["images"] == truth.sum()
    # The label that no image has is left out of the means.
    mean = metrics.average_precision_score(labels[:, :4], logits[:, :4])
    assert scores.mean_average_precision == pytest.approx(mean)
    assert MULTI_LABEL.measure(logits, labels) == pytest.approx(mean)
    assert MULTI_LABEL.measure(logits, np.zeros_like(labels)) == 0
    f1 = metrics.f1_score(labels[:, :4], chosen[:, :4], average="macro")
    assert scores.mean_f1 == pytest.approx(f1)
    hits = (chosen & (labels == 1)).sum()
    assert scores.micro_f1 == pytest.approx(2 * hits / (chosen.sum() + labels.sum()))
    log_loss = metrics.log_loss(labels.ravel(), expit(logits).ravel())
    assert scores.log_loss == pytest.approx(log_loss)
    assert json.loads(json.dumps(scores.to_dict()))["images"] == 150
    assert scores.metrics()["mean_average_precision"] == scores.mean_average_precision


def test_thresholds_have_the_best_f1_of_all(example):
    logits, labels = example
    thresholds = MULTI_LABEL.thresholds(logits, labels)
    probabilities = expit(logits)
    for column, truth, threshold in zip(probabilities.T, labels.T, thresholds, strict=True):
        if not truth.any():
            continue
        best = max(metrics.f1_score(truth, column >= cut) for cut in column)
        assert metrics.f1_score(truth, column >= threshold) == pytest.approx(best)
        assert not np.isclose(column, threshold, rtol=1e-9).any()  # it lies between two images
    # A label without images takes what is best for all labels together.
    cuts = np.unique(probabilities)
    f1 = [metrics.f1_score(labels.ravel(), probabilities.ravel() >= cut) for cut in cuts]
    common = metrics.f1_score(labels.ravel(), probabilities.ravel() >= thresholds[4])
    assert common == pytest.approx(max(f1))


def test_images_without_any_label_are_refused():
    logits, none = np.zeros((4, 2)), np.zeros((4, 2), int)
    with pytest.raises(ValueError, match=r"no image.*Received: 4 images without labels"):
        MULTI_LABEL.score(logits, none, ("a", "b"))
    with pytest.raises(ValueError, match=r"Thresholds need.*Received: none"):
        best_thresholds(logits, none)


def test_agreement_counts_the_labels_that_either_chooses():
    first = np.array([[2.0, -2, -2], [2, 2, -2]])
    second = np.array([[2.0, -2, 2], [2, -2, -2]])
    # Three and three labels, two of them shared.
    assert MULTI_LABEL.agreement(first, second) == pytest.approx(2 * 2 / (3 + 3))
    assert MULTI_LABEL.agreement(first, first) == 1
    assert MULTI_LABEL.agreement(first - 9, first - 9) == 1
    # sigmoid(2) = 0.88, sigmoid(-2) = 0.12: with such thresholds the first label alone is chosen.
    assert MULTI_LABEL.agreement(first, second, (0.5, 0.95, 0.95)) == 1


def test_loss_is_the_mean_cross_entropy_of_every_label(example):
    logits, labels = example
    targets = MULTI_LABEL.targets(labels, 5)
    loss = float(MULTI_LABEL.loss()(targets, logits.astype("float32")))
    assert loss == pytest.approx(metrics.log_loss(labels.ravel(), expit(logits).ravel()), rel=1e-5)
    assert ops.convert_to_numpy(targets).dtype == np.float32


def test_folds_hold_every_image_out_once(example):
    labels, images = example[1], np.arange(len(example[1]))
    folds = MULTI_LABEL.folds(labels, images, seed=1)
    np.testing.assert_array_equal(np.bincount(folds), [30] * 5)
    np.testing.assert_array_equal(folds, MULTI_LABEL.folds(labels, images, seed=1))
    assert not np.array_equal(folds, MULTI_LABEL.folds(labels, images, seed=2))
    assert MULTI_LABEL.folds(labels[:1], images[:1]) is None
