"""Scores without a group equal those of a refit, bias included, Gram and streamed form."""

import numpy as np
import pytest

from keras_crosspool.numerics.group_out import GroupOutRidge, rows_by_group
from keras_crosspool.numerics.group_out_rows import GroupOutRidgeOfRows
from keras_crosspool.numerics.ridge import fit_ridge
from keras_crosspool.numerics.streaming_ridge import StreamingRidge

ALPHAS = (1e-3, 1e-1, 1.0)


def _data(rows=90, dims=40, classes=3, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, dims))
    x = x / np.linalg.norm(x, axis=1, keepdims=True) + 0.3  # a mean far from zero
    targets = np.eye(classes)[rng.integers(classes, size=rows)]
    return x, targets, rng.integers(12, size=rows)


def _refitted(gram, targets, alpha, groups):
    """The definition: a fit without the group, applied to it."""
    scores = np.empty_like(targets)
    for group in np.unique(groups):
        out = groups == group
        dual_coef, bias = fit_ridge(gram[np.ix_(~out, ~out)], targets[~out], alpha)
        scores[out] = gram[np.ix_(out, ~out)] @ dual_coef + bias
    return scores


@pytest.mark.parametrize("dims", [20, 400])  # the second interpolates
@pytest.mark.parametrize("alpha", ALPHAS)
def test_scores_of_a_gram_matrix_equal_a_refit(alpha, dims):
    x, targets, groups = _data(dims=dims)
    found = GroupOutRidge(x @ x.T, targets, alpha).scores(groups)
    np.testing.assert_allclose(found, _refitted(x @ x.T, targets, alpha, groups), atol=1e-8)


@pytest.mark.parametrize("dims", [20, 400])  # the second interpolates
@pytest.mark.parametrize("alpha", ALPHAS)
def test_scores_of_the_rows_themselves_equal_a_refit(alpha, dims):
    x, targets, groups = _data(dims=dims)
    ridge = GroupOutRidgeOfRows(x, targets, alpha)
    expected = _refitted(x @ x.T, targets, alpha, groups)
    np.testing.assert_allclose(ridge.scores(groups), expected, atol=1e-8)
    dual_coef, bias = fit_ridge(x @ x.T, targets, alpha)
    np.testing.assert_allclose(x.T @ ridge.dual_coef, x.T @ dual_coef, atol=1e-8)
    np.testing.assert_allclose(ridge.bias, bias, atol=1e-8)


def test_several_labels_a_row():
    x, _, groups = _data()
    targets = (np.random.default_rng(1).random((90, 5)) < 0.3).astype(float)
    found = GroupOutRidge(x @ x.T, targets, 0.1).scores(groups)
    np.testing.assert_allclose(found, _refitted(x @ x.T, targets, 0.1, groups), atol=1e-8)


def test_scores_of_some_rows_are_those_among_all():
    x, targets, groups = _data()
    chosen = np.flatnonzero(groups < 4)[::-1]
    found = GroupOutRidge(x @ x.T, targets, 0.1, chosen).scores(groups[chosen])
    expected = _refitted(x @ x.T, targets, 0.1, groups)[chosen]
    np.testing.assert_allclose(found, expected, atol=1e-8)


def test_centring_over_all_rows_leaks():
    """The mistake: an interpolating ridge on centred rows would know the group it left out."""
    x, targets, groups = _data(dims=400)
    gram = x @ x.T
    means = gram.mean(axis=0)
    centred = gram - means - means[:, None] + means.mean()
    inverse = np.linalg.inv(centred + 1e-3 * np.eye(len(x)))
    wanted = targets - targets.mean(axis=0)
    leaking = targets.copy()
    for rows in rows_by_group(groups):
        block = inverse[np.ix_(rows, rows)]
        leaking[rows] -= np.linalg.solve(block, (inverse @ wanted)[rows])
    honest = _refitted(gram, targets, 1e-3, groups)
    assert np.abs(leaking - honest).max() > 1e-3
    found = GroupOutRidge(gram, targets, 1e-3).scores(groups)
    np.testing.assert_allclose(found, honest, atol=1e-8)


@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.parametrize("alpha", ALPHAS)
def test_scores_of_streamed_statistics_equal_a_refit(alpha, scaled):
    x, targets, groups = _data(dims=20)
    folds = groups % 3
    scale = np.linspace(0.5, 2, 20) if scaled else 1.0
    ridge = StreamingRidge(20, 3, folds=3)
    ridge.update(x, targets, folds)
    solution = ridge.solution(alpha, scale)
    expected = _refitted((x * scale) @ (x * scale).T, targets, alpha, groups)
    found = solution.scores_without(x, targets, groups)
    np.testing.assert_allclose(found, expected, atol=1e-8)
    some = np.isin(groups, np.unique(groups)[1::2])  # each group of them whole
    found = solution.scores_without(x[some], targets[some], groups[some])
    np.testing.assert_allclose(found, expected[some], atol=1e-8)


def test_a_gram_matrix_that_is_none_is_refused():
    with pytest.raises(np.linalg.LinAlgError, match=r"larger alpha.*Received: alpha=0.1"):
        GroupOutRidge(-np.eye(4), np.eye(4), 0.1)
