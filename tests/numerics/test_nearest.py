"""Nearest rows are those of a sort of all cosines, across blocks too."""

import numpy as np
import pytest

from keras_crosspool.numerics import nearest as module
from keras_crosspool.numerics.nearest import nearest


@pytest.mark.parametrize("block", [3, 1000])
def test_against_all_cosines(block, monkeypatch):
    monkeypatch.setattr(module, "_AT_ONCE", block)
    rows = np.random.default_rng(0).normal(size=(20, 5))
    indices, cosines = nearest(rows, 4)
    for i, row in enumerate(rows):
        all_cosines = rows @ row / np.linalg.norm(rows, axis=1) / np.linalg.norm(row)
        all_cosines[i] = -2
        best = np.argsort(-all_cosines)[:4]
        assert indices[i].tolist() == best.tolist()
        assert cosines[i] == pytest.approx(all_cosines[best], abs=1e-6)


def test_fewer_rows_than_asked_for():
    indices, _ = nearest(np.eye(3), 8)
    assert indices.shape == (3, 2)
