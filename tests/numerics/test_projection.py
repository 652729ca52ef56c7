"""The random projection keeps inner products nearly and weights exactly."""

import numpy as np
import pytest

from keras_crosspool.closed_form.branch import Branch
from keras_crosspool.numerics.projection import project, random_projection


def _rows(count=30, dims=5000, seed=0):
    rows = np.random.default_rng(seed).normal(size=(count, dims)).astype("float32")
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.mark.parametrize("width", [256, 2048])
def test_inner_products_are_nearly_kept(width):
    rows = _rows()
    projected = project(rows, random_projection(5000, width))
    assert projected.shape == (30, width)
    assert projected.dtype == np.float32
    # Johnson and Lindenstrauss: errors of unit rows' products have a deviation near 1 / sqrt(width)
    errors = projected @ projected.T - rows @ rows.T
    assert 0.5 < errors.std() * np.sqrt(width) < 1.5


def test_short_rows_stay_as_they_are():
    rows = _rows(dims=50)
    assert random_projection(50, 50) is None
    assert project(rows, None) is rows


def test_weights_for_projected_rows_score_the_bare_rows_alike():
    rows, projection = _rows(), random_projection(5000, 100, seed=3)
    branch = Branch(project(rows, projection), projection=projection)
    kernel = np.random.default_rng(1).normal(size=(100, 4)).astype("float32")
    scores = rows @ branch.unprojected(kernel)
    np.testing.assert_allclose(scores, branch.descriptors @ kernel, rtol=1e-3, atol=1e-4)


def test_it_is_seeded():
    first, second, other = (random_projection(500, 50, seed).toarray() for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, other)
