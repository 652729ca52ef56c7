"""Batches of real images: from any step on, in shares, with labels and weights that fit."""

import dataclasses
import itertools

import numpy as np
import pytest

from keras_crosspool.data import load_images
from keras_crosspool.data.cache import open_images
from keras_crosspool.distribution import ONE_DEVICE, Distribution
from keras_crosspool.fine_tuning.batches import Batches
from keras_crosspool.fine_tuning.epoch_plan import EpochPlan
from keras_crosspool.targets import MULTI_LABEL

PLAN = EpochPlan(18, 8, seed=5)  # three steps, of which the last is filled up


class _TwoWorkers(Distribution):
    """Two processes of two devices each, as one of them sees it."""

    replicas, local_replicas = 4, 2


@pytest.fixture(scope="module")
def opened(train_split):
    return open_images(train_split, 32, "memory")


def _batches(split, opened, **options):
    return Batches(split, opened, **{"plan": PLAN, **options})


def _take(dataset, count):
    return [
        [np.asarray(part) for part in batch] for batch in itertools.islice(iter(dataset), count)
    ]


def _assert_equal(found, expected):
    for ours, theirs in zip(found, expected, strict=True):
        for a, b in zip(ours, theirs, strict=True):
            np.testing.assert_array_equal(a, b)


def test_images_labels_and_weights(train_split, opened):
    shown, labels = load_images(train_split, 32)
    class_weights = np.array([0.5, 1.0, 3.0])
    batches = _batches(train_split, opened, class_weights=class_weights)
    found = _take(batches.dataset(), 6)
    for (images, targets, weights), (epoch, step) in zip(
        found, itertools.product(range(2), range(3)), strict=True
    ):
        chosen = PLAN.order(epoch)[step]
        np.testing.assert_array_equal(images, shown[chosen].astype("float32"))
        np.testing.assert_array_equal(targets, np.eye(3)[labels[chosen]])
        expected = PLAN.weights()[step] * class_weights[labels[chosen]]
        np.testing.assert_allclose(weights, expected, rtol=1e-6)
        real = chosen[PLAN.weights()[step] > 0]
        assert batches.names(epoch, step) == [train_split.names[index] for index in real]
    assert len(batches.names(1, 2)) == 2


@pytest.mark.parametrize("augmented_size", [None, 24])
def test_taken_up_at_any_step(train_split, opened, augmented_size):
    batches = _batches(train_split, opened, augmented_size=augmented_size)
    through = _take(batches.dataset(), 8)
    for epoch, step in ((0, 2), (1, 0), (2, 1)):
        start = 3 * epoch + step
        _assert_equal(_take(batches.dataset(epoch, step), 8 - start), through[start:])


def test_augmented_anew_in_each_epoch(train_split, opened):
    found = _take(_batches(train_split, opened, augmented_size=24).dataset(), 6)
    by_image = {}
    for (images, *_), chosen in zip(
        found, np.concatenate([PLAN.order(0), PLAN.order(1)]), strict=True
    ):
        for image, index in zip(images, chosen, strict=True):
            by_image.setdefault(index, []).append(image)
    for images in by_image.values():
        assert not np.allclose(images[0], images[-1])


def test_shares_of_two_workers_are_the_batch(train_split, opened):
    alone = _batches(train_split, opened, augmented_size=24, distribution=ONE_DEVICE)
    shared = dataclasses.replace(alone, distribution=_TwoWorkers(name="multi_worker", size=2))
    whole = _take(alone.dataset(1, 1), 4)
    shares = [_take(shared._local(1, 1, pipeline), 8) for pipeline in (0, 1)]
    for step, batch in enumerate(whole):
        parts = [share[2 * step + replica] for share in shares for replica in (0, 1)]
        assert [len(images) for images, *_ in parts] == [2, 2, 2, 2]
        joined = [np.concatenate(values) for values in zip(*parts, strict=True)]
        _assert_equal([joined], [batch])


def test_a_batch_larger_than_the_split(train_split, opened):
    few = train_split.between(0, 5)
    batches = _batches(few, opened, plan=EpochPlan(5, 8, seed=0))
    ((_, targets, weights),) = _take(batches.dataset(3), 1)
    assert targets.shape == (8, 3)
    np.testing.assert_allclose(weights, [8 / 5] * 5 + [0] * 3)
    assert sorted(batches.names(3, 0)) == sorted(few.names)


def test_several_labels(train_split, opened):
    labels = np.random.default_rng(0).integers(0, 2, (18, 3)).astype("int32")
    several = dataclasses.replace(train_split, labels=labels, task=MULTI_LABEL)
    ((_, targets, _),) = _take(_batches(several, opened).dataset(0, 1), 1)
    np.testing.assert_array_equal(targets, labels[PLAN.order(0)[1]])
    assert targets.dtype == np.float32


def test_an_image_that_can_no_longer_be_read_is_named(train_split, opened, tried):
    gone = ValueError("An image cannot be decoded. Received: gone.jpg")

    def read(index):
        if index == 3:
            raise gone
        return opened(index)

    batches = _batches(train_split, read)
    with (
        pytest.raises(ValueError, match=r"Received: gone\.jpg$") as error,
        batches.naming_failures(),
    ):
        _take(batches.dataset(), 3)
    assert error.value is gone
    tried("images", "an image that vanishes while training reads it", error.value)
