"""StreamingRidge against scikit-learn on the rows themselves and against the Gram matrix."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from keras_crosspool.closed_form.methods import fit_ridge
from keras_crosspool.numerics.streaming_ridge import StreamingRidge


def _data(count=90, dims=12, classes=3, seed=0):
    """Rows far from the origin, so that a wrong bias shows, and the fold of each."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, count)
    rows = rng.normal(size=(classes, dims))[labels] + rng.normal(size=(count, dims)) + 3
    return rows, np.eye(classes)[labels], rng.integers(0, 4, count)


def _streamed(rows, targets, folds, batches=1):
    ridge = StreamingRidge(rows.shape[1], targets.shape[1], folds=4)
    for batch in np.array_split(np.arange(len(rows)), batches):
        ridge.update(rows[batch], targets[batch], folds[batch])
    return ridge


def _assert_equal(solution, expected, scale=1.0):
    kernel, bias = solution
    np.testing.assert_allclose(kernel, (expected.coef_ * scale).T, rtol=1e-7, atol=1e-10)
    np.testing.assert_allclose(bias, expected.intercept_, rtol=1e-7, atol=1e-10)


@pytest.mark.parametrize("batches", [1, 7, 90])
@pytest.mark.parametrize("count", [90, 8])
def test_equals_scikit_learn_at_every_alpha(count, batches):
    rows, targets, folds = (x[:count] for x in _data())
    ridge = _streamed(rows, targets, folds, min(batches, count))
    for alpha in (1e-2, 1.0, 30.0):
        _assert_equal(ridge.solve(alpha), Ridge(alpha=alpha).fit(rows, targets))


def test_equals_the_ridge_on_the_gram_matrix():
    rows, targets, folds = _data(dims=200)
    kernel, bias = _streamed(rows, targets, folds).solve(0.3)
    dual_coef, expected_bias = fit_ridge(rows @ rows.T, targets, 0.3)
    np.testing.assert_allclose(kernel, rows.T @ dual_coef, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(bias, expected_bias, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("fold", range(4))
def test_a_fold_is_left_out(fold):
    rows, targets, folds = _data()
    kernel, bias = _streamed(rows, targets, folds, 5).solve(0.5, without=fold)
    expected = Ridge(alpha=0.5).fit(rows[folds != fold], targets[folds != fold])
    _assert_equal((kernel, bias), expected)


def test_scaled_columns_are_scaled_before_the_penalty():
    rows, targets, folds = _data()
    scale = np.repeat([0.3, 2.0], 6)
    kernel, bias = _streamed(rows, targets, folds).solve(5.0, scale=scale)
    _assert_equal((kernel, bias), Ridge(alpha=5.0).fit(rows * scale, targets), scale)


def test_what_tells_nearly_equal_columns_apart_is_not_lost():
    rng = np.random.default_rng(0)
    same, apart = rng.normal(size=(2, 4000, 1))
    rows = np.concatenate([same, same + 1e-3 * apart], axis=1).astype("float32")
    ridge = StreamingRidge(2, 1)
    ridge.update(rows, apart, np.zeros(4000, int))
    kernel, _ = ridge.solve(1e-6)
    expected = Ridge(alpha=1e-6).fit(rows.astype("float64"), apart)
    np.testing.assert_allclose(kernel, expected.coef_.reshape(2, 1), rtol=1e-5)


@pytest.mark.parametrize("workers", [2, 3])
def test_sums_over_workers_are_those_of_all_rows(run_workers, workers):
    rows, targets, folds = _data()
    cuts = [0, 11, 60, 90] if workers == 3 else [0, 40, 90]

    def work(distribution):
        own = slice(*cuts[distribution.rank :][:2])
        ridge = _streamed(rows[own], targets[own], folds[own], 2)
        ridge.reduce(distribution.all_reduce)
        return ridge.solve(0.1, without=2)

    expected = Ridge(alpha=0.1).fit(rows[folds != 2], targets[folds != 2])
    for solution in run_workers(work, workers):
        _assert_equal(solution, expected)
