"""Label quality on drawn descriptors: planted wrong labels are found, one or several an image."""

import numpy as np
import pytest
from scipy.special import expit, logit, softmax

from keras_crosspool.audit.evidence import held_out_evidence, sessions_by_class
from keras_crosspool.audit.labels import label_quality
from keras_crosspool.audit.trial import exchange_labels, run_trial
from keras_crosspool.numerics.calibration import fit_softmax
from keras_crosspool.targets import MULTI_LABEL, SINGLE_LABEL

CLASSES, SESSIONS, SHOTS = 5, 4, 5


def _drawn(seed=0, noise=0.3):
    """Descriptors of unit norm: a direction a class, one a session, and noise an image."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(CLASSES), SESSIONS * SHOTS)
    groups = np.repeat(np.arange(CLASSES * SESSIONS), SHOTS)
    centres, places = rng.normal(size=(CLASSES, 40)), rng.normal(size=(len(set(groups)), 40))
    rows = centres[labels] + 0.5 * places[groups] + noise * rng.normal(size=(len(labels), 40))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows @ rows.T, labels, groups


def _refitted(gram, targets, held_out):
    """The ridge without some rows, by its normal equations with a bias."""
    rest = ~held_out
    count = rest.sum()
    system = np.zeros((count + 1, count + 1))
    system[:count, :count] = gram[np.ix_(rest, rest)] + 0.3 * np.eye(count)
    system[:count, count] = system[count, :count] = 1
    solved = np.linalg.solve(system, np.vstack([targets[rest], np.zeros(targets.shape[1])]))
    return gram[np.ix_(held_out, rest)] @ solved[:count] + solved[count]


def _limited(scores, inverse_limit):
    return scores / (1 + inverse_limit * np.abs(scores))


def test_evidence_is_that_of_refits():
    gram, labels, groups = _drawn()
    targets = np.eye(CLASSES)[labels]
    logits = []
    for held_out_by in (np.arange(len(labels)), groups):
        scores = np.empty_like(targets)
        for group in np.unique(held_out_by):
            held_out = held_out_by == group
            scores[held_out] = _refitted(gram, targets, held_out)
        found, _ = fit_softmax(scores, labels)
        logits.append(_limited((scores - scores.mean()) / found.temperature, found.inverse_limit))
    evidence = held_out_evidence(gram, labels, CLASSES, groups, SINGLE_LABEL)
    assert evidence.of_others == pytest.approx(softmax(logits[1], axis=1), abs=1e-5)
    product = np.sqrt(softmax(logits[0], axis=1) * softmax(logits[1], axis=1))
    expected = product / product.sum(axis=1, keepdims=True)
    assert evidence.of_both == pytest.approx(expected, abs=1e-5)


def test_a_class_of_one_session_is_judged_image_by_image():
    gram, labels, groups = _drawn()
    groups = np.where(labels == 2, groups[labels == 2][0], groups)
    evidence = held_out_evidence(gram, labels, CLASSES, groups, SINGLE_LABEL)
    rows = labels == 2
    assert (evidence.of_others[rows].argmax(axis=1) != 2).all()
    assert (evidence.of_both[rows].argmax(axis=1) == 2).all()
    assert not label_quality(evidence.of_both, labels).doubtful[rows].any()


def test_sessions_are_counted_by_class():
    targets = np.array([[1, 0], [1, 1], [1, 0], [0, 1]])
    assert sessions_by_class(targets, np.array([0, 0, 1, 0])).tolist() == [2, 1]


@pytest.mark.parametrize("seed", range(3))
def test_exchanged_labels_are_found(seed):
    gram, clean, groups = _drawn(seed)
    labels, exchanged = exchange_labels(clean, CLASSES, seed)
    evidence = held_out_evidence(gram, labels, CLASSES, groups, SINGLE_LABEL)
    quality = label_quality(evidence.of_both, labels)
    assert set(np.argsort(quality.scores)[: exchanged.sum()]) == set(np.flatnonzero(exchanged))
    assert quality.doubtful[exchanged].mean() >= 0.8
    assert not quality.doubtful[~exchanged].any()
    assert quality.classes[exchanged].tolist() == clean[exchanged].tolist()
    assert quality.scores[exchanged].max() < quality.scores[~exchanged].min() + 0.2
    own = evidence.of_both[np.arange(len(labels)), labels]
    assert quality.scores == pytest.approx(own, abs=1e-6)


def test_a_session_whose_labels_are_all_wrong_is_found():
    gram, labels, groups = _drawn()
    rows = groups == 6
    labels[rows] = (labels[rows] + 1) % CLASSES
    evidence = held_out_evidence(gram, labels, CLASSES, groups, SINGLE_LABEL)
    quality = label_quality(evidence.of_both, labels)
    assert set(np.argsort(quality.scores)[: rows.sum()]) == set(np.flatnonzero(rows))


def test_right_labels_are_not_doubted():
    gram, labels, groups = _drawn()
    evidence = held_out_evidence(gram, labels, CLASSES, groups, SINGLE_LABEL)
    assert not label_quality(evidence.of_both, labels).doubtful.any()


def test_a_class_of_one_image_is_not_doubted():
    gram, labels, groups = _drawn()
    labels = np.where(np.arange(len(labels)) == 7, CLASSES, labels)
    evidence = held_out_evidence(gram, labels, CLASSES + 1, groups, SINGLE_LABEL)
    assert not label_quality(evidence.of_both, labels).doubtful[7]


def _several(seed=0):
    """Two labels an image, each with a direction of its own."""
    rng = np.random.default_rng(seed)
    labels = np.zeros((120, 6), int)
    for row in labels:
        row[rng.choice(6, 2, replace=False)] = 1
    groups = np.arange(120) // 3
    rows = labels @ rng.normal(size=(6, 40)) + 0.3 * rng.normal(size=(120, 40))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows @ rows.T, labels, groups


def test_each_of_several_labels_is_judged_by_itself():
    gram, labels, groups = _several()
    labels[4, np.flatnonzero(labels[4])[0]] = 0
    missing = set(np.flatnonzero(_several()[1][4])) - set(np.flatnonzero(labels[4]))
    extra = np.flatnonzero(labels[9] == 0)[0]
    labels[9, extra] = 1
    evidence = held_out_evidence(gram, labels, 6, groups, MULTI_LABEL)
    quality = label_quality(evidence.of_both, labels)
    assert set(np.flatnonzero(quality.doubtful)) == {4, 9}
    assert quality.classes[[4, 9]].tolist() == [*missing, extra]
    pairs = np.where(labels, evidence.of_both, 1 - evidence.of_both)
    assert quality.scores == pytest.approx(pairs.min(axis=1))


def test_evidence_of_several_labels_is_the_mean_of_the_log_odds():
    gram, labels, groups = _several()
    both = held_out_evidence(gram, labels, 6, groups, MULTI_LABEL)
    alone = held_out_evidence(gram, labels, 6, np.arange(120), MULTI_LABEL).of_others
    expected = expit((logit(alone) + logit(both.of_others)) / 2)
    assert both.of_both == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("several", [False, True])
def test_a_trial_counts_what_it_finds(several):
    class Images:
        class_names = tuple("abcdef"[: 6 if several else CLASSES])
        task = MULTI_LABEL if several else SINGLE_LABEL

    gram, Images.labels, groups = _several() if several else _drawn()
    trial = run_trial(gram, Images, groups)
    assert trial.exchanged >= 20
    assert trial.exchanged % round(0.05 * len(groups)) == 0
    assert trial.found >= 0.8
    assert trial.right >= 0.5


def test_one_label_of_several_is_exchanged():
    _, labels, _ = _several()
    changed, exchanged = exchange_labels(labels, 6)
    assert exchanged.sum() == 6
    assert ((changed != labels).sum(axis=1) == 2 * exchanged).all()
    assert (changed.sum(axis=1) == 2).all()
