"""Augmented images stay images, vary, and follow the seed."""

import numpy as np
import pytest

from keras_crosspool.data import load_images
from keras_crosspool.fine_tuning.augmentation import augment


@pytest.fixture(scope="module")
def image(train_split):
    return load_images(train_split, 64, limit=1)[0][0]


@pytest.fixture(scope="module")
def augmented(image):
    """The image under 64 seeds."""
    return np.stack([augment(image, (7, index), 64).numpy() for index in range(64)])


def test_images_stay_images_and_vary(image, augmented):
    assert augmented.shape == (64, *image.shape)
    assert augmented.dtype == np.float32
    assert augmented.min() >= 0
    assert 100 < augmented.max() <= 255
    assert len(np.unique(augmented.reshape(64, -1).round(), axis=0)) == 64
    # All of them still resemble the image or its mirror image.
    original = image.astype("float32")
    for other in augmented:
        likeness = [np.corrcoef(other.ravel(), o.ravel())[0, 1] for o in _both(original)]
        assert max(likeness) > 0.2


def test_what_is_drawn_follows_the_seed(image, augmented):
    np.testing.assert_array_equal(augment(image, (7, 5), 64), augmented[5])
    assert not np.allclose(augment(image, (8, 5), 64), augmented[5])


def test_brightness_keeps_within_its_bounds():
    """Crop, mirror, contrast and saturation leave an image of one grey as it is."""
    grey = np.full((16, 16, 3), 128, "uint8")
    means = np.array([augment(grey, (1, index), 12).numpy().mean() for index in range(64)])
    assert abs(means - 128).max() <= 40 + 1e-3
    assert np.ptp(means) > 60  # of 80
    spread = [augment(grey, (1, index), 12).numpy().std() for index in range(8)]
    np.testing.assert_allclose(spread, 0, atol=1e-3)


def test_contrast_keeps_within_its_bounds():
    """Of two colours in stripes, which every crop of the rows holds in equal parts."""
    stripes = np.zeros((64, 64, 3), "uint8")
    stripes[:, ::2], stripes[:, 1::2] = 108, 148
    spans = [np.ptp(augment(stripes, (1, index), 64).numpy()) / 40 for index in range(64)]
    assert max(spans) <= 1.3 + 1e-3
    assert max(spans) > 1  # though resizing blurs the stripes


def test_saturation_keeps_within_its_bounds():
    """Of one colour, whose channels move away from its grey or towards it by one factor."""
    colour = np.broadcast_to(np.array([150, 120, 90], "uint8"), (16, 16, 3))
    images = np.stack([augment(colour, (1, index), 8).numpy() for index in range(64)])
    spread = (images[..., 0] - images[..., 2]).mean(axis=(1, 2)) / 60
    assert 0.7 - 1e-3 <= spread.min() < 0.8
    assert 1.2 < spread.max() <= 1.3 + 1e-3
    grey = images @ np.array([0.299, 0.587, 0.114])
    np.testing.assert_allclose(np.ptp(grey, axis=(1, 2)), 0, atol=1e-2)


def test_a_crop_has_the_size_that_was_asked_for(image):
    assert augment(image, (3, 4), 40).shape == (40, 40, 3)


def test_half_of_the_images_are_mirrored():
    ramp = np.broadcast_to(np.arange(64, dtype="uint8")[None, :, None] * 2, (64, 64, 3))
    images = [augment(ramp, (2, index), 64).numpy() for index in range(64)]
    mirrored = sum(image[:, 0].mean() > image[:, -1].mean() for image in images)
    assert 20 <= mirrored <= 44  # three standard deviations of the binomial distribution


def _both(image):
    return image, image[:, ::-1]
