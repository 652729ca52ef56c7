"""Whole groups are held out, of each class its share, and never the last ones."""

import numpy as np
import pytest

from keras_crosspool.numerics.share import held_out_share


def _groups_are_whole(groups, held_out):
    return not set(groups[held_out]) & set(groups[~held_out])


@pytest.mark.parametrize("share", [0.1, 0.2, 0.5, 0.9])
@pytest.mark.parametrize("seed", range(3))
def test_each_class_is_held_out_by_its_share(share, seed):
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(5), 200)
    groups = 1000 * labels + rng.integers(0, 80, 1000)
    held_out = held_out_share(labels, groups, share, seed)
    assert _groups_are_whole(groups, held_out)
    shares = np.bincount(labels[held_out], minlength=5) / 200
    np.testing.assert_allclose(shares, share, atol=0.02)


def test_the_seed_decides():
    labels, groups = np.repeat([0, 1], 50), np.arange(100) // 2
    first, again, other = (held_out_share(labels, groups, 0.2, seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    renamed = held_out_share(labels, groups * 7 + 3, 0.2, 0)
    np.testing.assert_array_equal(first, renamed)


def test_groups_of_several_classes_stay_whole():
    """Ten days, each of which has photographs of every class."""
    labels, groups = np.tile(np.arange(4), 50), np.repeat(np.arange(10), 20)
    held_out = held_out_share(labels, groups, 0.2)
    assert _groups_are_whole(groups, held_out)
    assert len(set(groups[held_out])) == 2


def test_a_class_of_one_group_stays():
    labels = np.repeat([0, 1], [10, 20])
    groups = np.repeat([0, 1, 2, 3, 4], [10, 5, 5, 5, 5])
    held_out = held_out_share(labels, groups, 0.25)
    assert held_out[labels == 0].sum() == 0
    assert held_out[labels == 1].sum() == 5


def test_a_class_of_two_groups_is_held_out_by_the_smaller_one():
    labels = np.repeat([0, 1], [10, 20])
    groups = np.repeat([0, 1, 2, 3], [4, 6, 9, 11])
    held_out = held_out_share(labels, groups, 0.1)
    assert set(groups[held_out]) == {0, 2}


def test_a_group_of_more_than_half_a_class_stays_without_need():
    labels, groups = np.repeat([0, 1], 10), np.repeat([0, 1, 2, 3], [1, 9, 5, 5])
    assert set(groups[held_out_share(labels, groups, 0.1)]) <= {0, 2, 3}


@pytest.mark.parametrize("groups", [np.zeros(10, int), np.arange(10) // 5])
def test_two_groups_are_left(groups):
    labels = np.tile([0, 1], 5)
    assert not held_out_share(labels, groups, 0.5).any()


def test_no_share_holds_out_nothing():
    assert not held_out_share(np.repeat([0, 1], 10), np.arange(20), 0.0).any()


def test_several_labels_and_none_at_all():
    rng = np.random.default_rng(0)
    labels = (rng.random((400, 3)) < [0.5, 0.2, 0.1]).astype("int32")
    groups = np.arange(400) // 4
    held_out = held_out_share(labels, groups, 0.2)
    assert _groups_are_whole(groups, held_out)
    shares = labels[held_out].sum(axis=0) / labels.sum(axis=0)
    np.testing.assert_allclose(shares, 0.2, atol=0.08)
    none = ~labels.any(axis=1)
    assert 0.1 < held_out[none].mean() < 0.3
