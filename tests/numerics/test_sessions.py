"""Sessions by similarity: on drawn photographs whose sessions are known."""

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from keras_crosspool.numerics.sessions import similar_groups, thumbnail_features

SIDE = 12


def _drawn(sessions_of_class, shots, seed=0, noise=8.0):
    """Thumbnails, classes and true sessions: a scene a session, with another look a shot."""
    rng = np.random.default_rng(seed)
    shown, classes, sessions = [], [], []
    for label, count in enumerate(sessions_of_class):
        for _ in range(count):
            scene = np.kron(rng.uniform(20, 235, size=(4, 4, 3)), np.ones((3, 3, 1)))
            for _ in range(shots):
                look = scene * rng.uniform(0.95, 1.05) + noise * rng.normal(size=scene.shape)
                shown.append(np.clip(look, 0, 255))
                classes.append(label)
                sessions.append(len(shown) if shots == 1 else label * 100 + len(shown) // shots)
    return np.array(shown), np.array(classes), np.array(sessions)


def test_series_are_found():
    shown, classes, _ = _drawn([4, 6, 3, 5], shots=5)
    truth = np.arange(len(shown)) // 5
    found = similar_groups(thumbnail_features(shown), classes)
    assert adjusted_rand_score(truth, found) > 0.95


def test_photographs_of_everybody_stay_apart():
    """No series: hardly any two are joined, though every class has forty."""
    shown, classes, _ = _drawn([40, 40, 40], shots=1)
    found = similar_groups(thumbnail_features(shown), classes)
    assert len(np.unique(found)) > 0.5 * len(shown)


def test_groups_stay_within_a_class():
    shown, classes, _ = _drawn([3, 3], shots=6)
    found = similar_groups(thumbnail_features(shown), classes)
    assert all(len(np.unique(classes[found == group])) == 1 for group in np.unique(found))


def test_a_class_has_two_groups_at_least():
    shown, classes, _ = _drawn([1, 4], shots=8, noise=1.0)
    found = similar_groups(thumbnail_features(shown), classes)
    assert len(np.unique(found[classes == 0])) >= 2


def test_an_image_that_was_saved_twice_is_one_session_in_any_class():
    shown, classes, _ = _drawn([4, 4], shots=4)
    shown[20] = np.clip(shown[0] + np.random.default_rng(1).normal(size=shown[0].shape), 0, 255)
    found = similar_groups(thumbnail_features(shown), classes)
    assert classes[20] != classes[0]
    assert found[20] == found[0]


def test_several_labels_an_image():
    shown, classes, _ = _drawn([4, 4, 4], shots=5)
    truth = np.arange(len(shown)) // 5
    labels = np.eye(3, dtype="uint8")[classes]
    found = similar_groups(thumbnail_features(shown), labels)
    assert adjusted_rand_score(truth, found) > 0.6  # of 12 scenes 4 are joined by chance


@pytest.mark.parametrize("value", [0, 255])
def test_images_of_one_colour_have_finite_features(value):
    shown = np.full((4, SIDE, SIDE, 3), value)
    features = thumbnail_features(shown)
    assert np.isfinite(features).all()
    assert similar_groups(features, np.array([0, 0, 1, 1])).shape == (4,)


def test_parts_of_a_class_too_large_for_memory(monkeypatch):
    import keras_crosspool.numerics.sessions as module

    monkeypatch.setattr(module, "_MOST_AT_ONCE", 10)
    shown, classes, _ = _drawn([4, 4], shots=5)
    found = similar_groups(thumbnail_features(shown), classes)
    truth = np.arange(len(shown)) // 5
    assert adjusted_rand_score(truth, found) > 0.9
