"""How much better one model is than another, against the interval of paired differences."""

import dataclasses

import numpy as np
import pytest

from keras_crosspool.data.array_images import labelled_images
from keras_crosspool.training.validation import Predictions, Validation

IMAGES, CLASSES = 24, 3


@pytest.fixture
def validation():
    labels = np.arange(IMAGES) % CLASSES
    images = labelled_images(
        np.zeros((IMAGES, 8, 8, 3), "uint8"), labels, ("a", "b", "c"), "single_label"
    )
    return Validation(images, 8, {})


def _predictions(validation, seed):
    logits = np.random.default_rng(seed).normal(size=(IMAGES, CLASSES))
    return Predictions(validation.split, logits, validation.split.labels)


def test_it_is_the_interval_of_paired_differences(validation):
    own, others = (_predictions(validation, seed) for seed in (0, 1))
    right = [p.logits.argmax(axis=1) == p.labels for p in (own, others)]
    differences = np.subtract(*right, dtype=float)
    error = 1.96 * differences.std(ddof=1) / np.sqrt(IMAGES)
    expected = differences.mean() - error, differences.mean() + error
    assert validation.advantage(own, others) == pytest.approx(expected)
    half = 1.96 / (IMAGES + 2)  # of models that no image tells apart
    assert validation.advantage(own, own) == pytest.approx((-half, half))


def test_images_of_a_session_count_together(validation):
    groups = tuple(range(4)) * (IMAGES // 4)
    split = dataclasses.replace(validation.split, groups=groups)
    grouped = dataclasses.replace(validation, split=split)
    own, others = (_predictions(validation, seed) for seed in (0, 1))
    right = [p.logits.argmax(axis=1) == p.labels for p in (own, others)]
    means = np.subtract(*right, dtype=float).reshape(-1, 4).mean(axis=0)
    error = 1.96 * means.std(ddof=1) / np.sqrt(4)
    expected = means.mean() - error, means.mean() + error
    assert grouped.advantage(own, others) == pytest.approx(expected)


def test_one_session_tells_no_interval(validation):
    split = dataclasses.replace(validation.split, groups=(3,) * IMAGES)
    grouped = dataclasses.replace(validation, split=split)
    own, others = (_predictions(validation, seed) for seed in (0, 1))
    assert grouped.advantage(own, others) is None


def test_without_a_split_there_is_none():
    assert Validation(None, 8, {}).advantage(None, None) is None
