"""Folds keep groups whole and classes even."""

import numpy as np
import pytest

from keras_crosspool.numerics.folds import FOLDS, random_folds, stratified_folds


def _groups(seed=0, groups=60, classes=4):
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 9, size=groups)
    of_row = np.repeat(np.arange(groups), sizes)
    return np.repeat(rng.integers(classes, size=groups), sizes), of_row


@pytest.mark.parametrize("seed", [0, 1])
def test_groups_stay_whole_and_classes_even(seed):
    labels, groups = _groups()
    folds = stratified_folds(labels, groups, seed)
    assert all(len(np.unique(folds[groups == group])) == 1 for group in np.unique(groups))
    counts = np.array([np.bincount(folds[labels == label], minlength=FOLDS) for label in range(4)])
    shares = counts / counts.sum(axis=1, keepdims=True)
    assert np.abs(shares - 1 / FOLDS).max() < 0.12


def test_a_group_of_several_classes_stays_whole():
    """A sender who photographed every class."""
    labels, groups = np.tile(np.arange(4), 30), np.repeat(np.arange(20), 6)
    folds = stratified_folds(labels, groups)
    assert all(len(np.unique(folds[groups == group])) == 1 for group in range(20))


def test_few_rows_have_few_folds():
    labels, groups = np.array([0, 0, 0, 1, 1]), np.array([0, 0, 1, 2, 3])
    folds = stratified_folds(labels, groups)
    assert 1 < len(np.unique(folds)) <= 3
    assert folds[0] == folds[1]


def test_nothing_to_hold_out():
    assert stratified_folds(np.array([0, 0, 1]), np.array([5, 5, 6])) is None
    assert random_folds(np.zeros(4, int)) is None


@pytest.mark.parametrize("sizes", [[2] * 20, [1, 2, 3, 4] * 5])
def test_random_folds_keep_groups_whole(sizes):
    groups = np.repeat(np.arange(20), sizes)
    folds = random_folds(groups, seed=3)
    assert all(len(np.unique(folds[groups == group])) == 1 for group in range(20))
    assert np.ptp(np.bincount(folds)) <= 4
