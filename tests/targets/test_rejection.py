"""When an image is none of the classes: thresholds, shares and the choice of the confidence."""

import numpy as np
import pytest

from keras_crosspool.targets.rejection import CONFIDENCES, Rejection, auroc, choose_rejection


def _logits(count, classes=6, height=4.0, seed=0):
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(count, classes))
    logits[np.arange(count), rng.integers(classes, size=count)] += height
    return logits


@pytest.mark.parametrize("rate", [0.0, 0.05, 0.2])
def test_the_stated_share_of_known_images_is_refused(rate):
    known, unknown = _logits(1000), _logits(400, height=0.0, seed=1)
    rejection = choose_rejection(known, unknown, rate)
    assert abs(rejection.refuses(known).mean() - rate) <= 0.001
    assert rejection.refused_known == rejection.refuses(known).mean()
    assert rejection.accepted_unknown == pytest.approx(1 - rejection.refuses(unknown).mean())


def test_auroc_is_how_often_a_known_image_is_ahead():
    known, unknown = np.array([1.0, 3.0, 2.0]), np.array([0.5, 2.0, 2.5])
    ahead = [(k > u) + 0.5 * (k == u) for k in known for u in unknown]
    assert auroc(known, unknown) == pytest.approx(np.mean(ahead))


def test_the_confidence_that_tells_them_apart_is_chosen():
    """Unknown images have two high logits, known ones one that is no higher: the margin tells."""
    rng = np.random.default_rng(0)
    known, unknown = rng.normal(scale=0.1, size=(2, 300, 5))
    known[:, 0] += 3
    unknown[:, :2] += 3
    assert choose_rejection(known, unknown, 0.05).confidence in ("margin", "probability")
    # All logits are low, their differences are not: the largest tells, margin and softmax do not.
    unknown = known - 3
    assert choose_rejection(known, unknown, 0.05).confidence in ("max_logit", "energy")


def test_a_column_that_is_left_out_does_not_count():
    known, unknown = _logits(50), _logits(50, height=0.0, seed=1)
    unknown[np.arange(50), np.arange(50) % 6] = -np.inf
    for name, confidence in CONFIDENCES.items():
        without = np.array([confidence(row[np.isfinite(row)][None])[0] for row in unknown])
        np.testing.assert_allclose(confidence(unknown), without, err_msg=name)
    assert 0 < choose_rejection(known, unknown, 0.05).auroc <= 1


def test_without_unknown_images_nothing_is_claimed_of_them():
    rejection = choose_rejection(_logits(100), None, 0.05)
    assert (rejection.confidence, rejection.auroc) == ("max_logit", None)
    assert "accepts" not in rejection.words()
    assert "5.0%" in rejection.words()


def test_two_classes_have_no_class_to_leave_out():
    known = np.array([[1.0, 0.0], [0.0, 1.0]])
    assert choose_rejection(known, known, 0.5).auroc is None


def test_words_name_both_shares():
    words = Rejection("margin", 1.0, 0.05, accepted_unknown=0.4, auroc=0.913).words()
    assert "5.0%" in words
    assert "40.0%" in words
    assert "0.91" in words
