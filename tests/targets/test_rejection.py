"""When an image is none of the classes: thresholds, shares and the choice of the confidence."""

import numpy as np
import pytest

from keras_crosspool.targets.rejection import CONFIDENCES, Rejection, auroc, choose_rejection


def _logits(count, classes=6, height=4.0, seed=0):
    """Logits of images, and their classes, whose logit is higher."""
    rng = np.random.default_rng(seed)
    logits, labels = rng.normal(size=(count, classes)), rng.integers(classes, size=count)
    logits[np.arange(count), labels] += height
    return logits, labels


def _strangers(count, classes=6, height=0.0, seed=1):
    """Logits by a classifier without the class of the image."""
    logits, labels = _logits(count, classes, height, seed)
    logits[np.arange(count), labels] = -np.inf
    return logits


@pytest.mark.parametrize("rate", [0.0, 0.05, 0.2])
def test_the_stated_share_of_known_images_is_refused(rate):
    known, labels = _logits(1000)
    unknown = _strangers(400)
    rejection = choose_rejection(known, labels, unknown, rate)
    assert abs(rejection.refuses(known).mean() - rate) <= 0.001
    assert rejection.refused_known == rejection.refuses(known).mean()
    # Known images without one of the other classes, each in turn, are refused at that rate.
    confidence, accepted = CONFIDENCES[rejection.confidence], []
    for offset in range(1, 6):
        fewer = known.copy()
        fewer[np.arange(1000), (labels + offset) % 6] = -np.inf
        accepted.append((confidence(unknown) >= np.quantile(confidence(fewer), rate)).mean())
    assert rejection.accepted_unknown == pytest.approx(np.mean(accepted), abs=0.03)


@pytest.mark.parametrize("classes", [3, 4, 16])
def test_logits_that_say_nothing_promise_nothing(classes):
    """With a logit more for known images, energy alone would promise an AUROC of 0.93 to 0.72."""
    known, labels = _logits(3000, classes, height=0.0)
    rejection = choose_rejection(known, labels, _strangers(3000, classes), 0.05)
    assert rejection.auroc == pytest.approx(0.5, abs=0.03)
    assert rejection.accepted_unknown == pytest.approx(0.95, abs=0.02)


def test_auroc_is_how_often_a_known_image_is_ahead():
    known, unknown = np.array([1.0, 3.0, 2.0]), np.array([0.5, 2.0, 2.5])
    ahead = [(k > u) + 0.5 * (k == u) for k in known for u in unknown]
    assert auroc(known, unknown) == pytest.approx(np.mean(ahead))


def test_the_confidence_that_tells_them_apart_is_chosen():
    """Unknown images have one high logit as known ones have, and their others are lower."""
    rng = np.random.default_rng(0)
    known, unknown = rng.normal(scale=0.1, size=(2, 300, 5))
    known[:, 0] += 3
    unknown[:, 0] += 3
    unknown[:, 1:] -= 3
    known[:, 1:] += 2
    unknown[:, 4] = -np.inf
    labels = np.zeros(300, int)
    assert choose_rejection(known, labels, unknown, 0.05).confidence == "energy"
    # The largest is lower, and the others make up for it in the sum: the largest tells.
    unknown[:, 0] -= 1
    unknown[:, 1:4] += 5.5
    assert choose_rejection(known, labels, unknown, 0.05).confidence == "max_logit"


def test_what_is_added_to_all_logits_is_seen():
    """Unknown images with the same differences between logits, and all of them lower."""
    known, labels = _logits(500)
    unknown = known - 5
    unknown[np.arange(500), (labels + 1) % 6] = -np.inf
    assert choose_rejection(known, labels, unknown, 0.05).auroc > 0.99


def test_a_column_that_is_left_out_does_not_count():
    unknown = _strangers(50)
    for name, confidence in CONFIDENCES.items():
        without = np.array([confidence(row[np.isfinite(row)][None])[0] for row in unknown])
        np.testing.assert_allclose(confidence(unknown), without, err_msg=name)
    assert 0 < choose_rejection(*_logits(50), unknown, 0.05).auroc <= 1


def test_without_unknown_images_nothing_is_claimed_of_them():
    rejection = choose_rejection(*_logits(100), None, 0.05)
    assert (rejection.confidence, rejection.auroc) == ("max_logit", None)
    assert "accepts" not in rejection.words()
    assert "5.0 %" in rejection.words()


def test_two_classes_have_no_class_to_leave_out():
    known = np.array([[1.0, 0.0], [0.0, 1.0]])
    assert choose_rejection(known, np.array([0, 1]), known, 0.5).auroc is None


def test_words_name_both_shares():
    words = Rejection("margin", 1.0, 0.05, accepted_unknown=0.4, auroc=0.913).words()
    assert "5.0 %" in words
    assert "40.0 %" in words
    assert "0.91" in words
