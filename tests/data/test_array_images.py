"""Labelled images from memory: what is taken, and what is refused with a word on it."""

import logging

import numpy as np
import pytest

from keras_crosspool.data.array_images import labelled_images

NAMES = ("apple", "pear", "milk")
IMAGES = np.random.default_rng(0).integers(1, 256, (6, 8, 8, 3), "uint8")
LABELS = np.array([0, 1, 2] * 2)
FLOATS = IMAGES.astype("float32")


def _spoilt(value):
    images = FLOATS.copy()
    images[3, 2, 2, 1] = value
    return images


def _halves(images, labels):
    return [(images[:3], labels[:3]), (images[3:], labels[3:])]


@pytest.mark.parametrize(
    "given",
    [
        (IMAGES, LABELS),
        (IMAGES, np.eye(3)[LABELS]),
        (_halves(IMAGES, LABELS), None),
        (list(zip(IMAGES, LABELS, strict=True)), None),
    ],
    ids=["arrays", "one-hot", "batches", "images one by one"],
)
def test_images_and_labels_stay_together(given):
    found = labelled_images(*given, NAMES, "single_label")
    np.testing.assert_array_equal(found.images, IMAGES)
    np.testing.assert_array_equal(found.labels, LABELS)


def test_a_black_image_or_batch_is_one_of_255():
    images = FLOATS.copy()
    images[:3] = 0
    for given in ((images, LABELS), (_halves(images, LABELS), None)):
        assert labelled_images(*given, NAMES, "single_label").size == 6


@pytest.mark.parametrize(
    ("images", "labels", "words"),
    [
        (_spoilt(np.nan), LABELS, r"finite.*Received: NaN or infinity in the image at index 3"),
        (_spoilt(np.inf), LABELS, r"finite.*Received: NaN or infinity in the image at index 3"),
        (_spoilt(65535), LABELS, r"8 bits\. Received: .* to 65535 in the image at index 3"),
        (_spoilt(-120), LABELS, r"not normalised.*Received: -120 to .* at index 3"),
        (FLOATS / 255, LABELS, r"multiply them by 255\. Received: a largest value of 1\.000"),
        (IMAGES[..., :1], LABELS, r"RGB images.*Received: shape \(6, 8, 8, 1\)"),
        (IMAGES[:0], LABELS[:0], r"some images.*Received: images of shape \(0, 8, 8, 3\)"),
        (IMAGES, 3, r"a label each\. Received: .* labels of shape \(\)"),
        (None, None, r"Expected images.*Received: None"),
        (IMAGES, LABELS + 1, r"below 3.*Received: .*1 to 3"),
        ([(IMAGES, LABELS, np.ones(6))], None, r"without sample weights.*Received: .*3 parts"),
        (
            [(IMAGES[:3], LABELS[:2]), (IMAGES[3:], LABELS[2:])],
            None,
            r"batch needs its label\. Received: 3 images and 2 labels in batch 0",
        ),
        (
            [(IMAGES[:3], LABELS[:3]), (IMAGES[3:], np.eye(3)[LABELS[3:]])],
            None,
            r"labels of one kind\. Received: .*\(\), \(3,\)",
        ),
    ],
)
def test_what_is_not_as_expected_is_refused(images, labels, words):
    with pytest.raises(ValueError, match=rf"(?s){words}"):
        labelled_images(images, labels, NAMES, "single_label")


def test_classes_without_images_are_named(caplog):
    with caplog.at_level(logging.WARNING):
        labelled_images(IMAGES, LABELS % 2, NAMES, "single_label")
    assert "1 of 3 classes have no image" in caplog.text
    assert "milk" in caplog.text
