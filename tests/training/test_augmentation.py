"""Augmented pictures stay pictures, vary, and follow the seed."""

import numpy as np
from keras import ops

from keras_crosspool.data import load_pictures
from keras_crosspool.training.augmentation import augmentation


def _augment(pictures, seed=0, training=True):
    return ops.convert_to_numpy(augmentation(seed)(pictures.astype("float32"), training=training))


def test_pictures_stay_in_range_and_vary(train_split):
    pictures = np.repeat(load_pictures(train_split, 64, limit=1)[0], 32, axis=0)
    augmented = _augment(pictures)
    assert augmented.shape == (32, 64, 64, 3)
    assert augmented.dtype == np.float32
    assert augmented.min() >= 0
    assert augmented.max() <= 255
    assert augmented.max() > 100
    # Each is drawn for itself, and all of them still resemble their picture or its mirror image.
    assert len(np.unique(augmented.reshape(32, -1).round(), axis=0)) == 32
    original = pictures[0].astype("float32")
    for picture in augmented:
        likeness = [
            np.corrcoef(picture.ravel(), o.ravel())[0, 1] for o in (original, original[:, ::-1])
        ]
        assert max(likeness) > 0.3


def test_seeded_and_off_outside_training(train_split):
    pictures = load_pictures(train_split, 64, limit=4)[0]
    np.testing.assert_array_equal(_augment(pictures, 3), _augment(pictures, 3))
    assert not np.allclose(_augment(pictures, 3), _augment(pictures, 4))
    np.testing.assert_array_equal(_augment(pictures, training=False), pictures)
