"""Weights of classes, by hand."""

import dataclasses

import numpy as np
import pytest

from keras_crosspool.fine_tuning.class_balance import class_weights
from keras_crosspool.targets import MULTI_LABEL


@pytest.fixture
def skewed(train_split):
    """Of three classes two, of four images and of one."""
    return dataclasses.replace(train_split, size=5, labels=np.array([0, 0, 2, 0, 0]))


def test_weights_by_hand(skewed):
    assert class_weights(skewed) is None
    # 1/4 and 1: times their counts they add up to 2, which is to be 5.
    np.testing.assert_allclose(class_weights(skewed, "inverse"), [5 / 8, 0, 5 / 2])
    # Effective numbers: 1 + 0.99 + 0.99^2 + 0.99^3, and 1.
    number = 3.940399
    scale = 5 / (4 / number + 1)
    np.testing.assert_allclose(
        class_weights(skewed, "effective"), [scale / number, 0, scale], rtol=1e-6
    )


@pytest.mark.parametrize("balance", ["inverse", "effective"])
def test_even_classes_count_alike(train_split, balance):
    np.testing.assert_allclose(class_weights(train_split, balance), np.ones(3))


def test_bad_input_is_named(train_split):
    with pytest.raises(ValueError, match=r"one of none, inverse, effective\. Received: 'even'"):
        class_weights(train_split, "even")
    several = dataclasses.replace(train_split, labels=np.eye(3)[[0, 1]], task=MULTI_LABEL)
    assert class_weights(several, "none") is None
    with pytest.raises(ValueError, match=r"`class_balance=none` .*Received: class_balance='inv"):
        class_weights(several, "inverse")
