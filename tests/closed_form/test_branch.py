"""Branches: views that share a descriptor, weights, and descriptors that know nothing of a fold."""

import numpy as np
import pytest
from scipy.special import log_softmax
from sklearn.linear_model import Ridge

from keras_crosspool.array_file import scratch_array
from keras_crosspool.closed_form import branch as branch_module
from keras_crosspool.closed_form.branch import Branch
from keras_crosspool.closed_form.classifier import (
    cross_validation_folds,
    solve_branches,
)

LABELS = np.repeat([0, 1, 2], 20)


def _descriptors(seed, noise, dims=6):
    rng = np.random.default_rng(seed)
    rows = np.eye(3, dims)[LABELS] + noise * rng.normal(size=(60, dims))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype("float32")


def test_rows_that_share_a_descriptor():
    descriptors, rows = _descriptors(0, 0.5), np.tile(np.arange(60), 2)
    branch = Branch(descriptors, rows)
    repeated = descriptors[rows]
    np.testing.assert_allclose(branch.gram(), repeated @ repeated.T, rtol=1e-5)
    dual_coef = np.random.default_rng(1).normal(size=(120, 3))
    np.testing.assert_allclose(
        branch.kernel(dual_coef), repeated.T @ dual_coef, rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("rows_a_block", [1, 7, 60, 100])
@pytest.mark.parametrize("stored", [False, True])
def test_blocks_of_rows(monkeypatch, rows_a_block, stored):
    """Of descriptors in memory or in a file, with a last block that is not full."""
    monkeypatch.setattr(branch_module, "BLOCK", rows_a_block * 6 * 4 + 3)
    rows = _descriptors(0, 0.5)
    branch = Branch(scratch_array("float32", rows.shape) if stored else rows.copy())
    branch.descriptors[:] = rows
    gram = branch.gram()
    np.testing.assert_allclose(gram, rows.astype("float64") @ rows.T, atol=1e-6)
    np.testing.assert_array_equal(gram, gram.T)
    dual_coef = np.random.default_rng(1).normal(size=(60, 3))
    np.testing.assert_allclose(branch.kernel(dual_coef), rows.T @ dual_coef, rtol=1e-4, atol=1e-5)


def test_weighted_branches_are_scaled_descriptors_side_by_side():
    first, second = _descriptors(0, 0.4), _descriptors(1, 0.8, dims=4)
    solved = solve_branches([Branch(first), Branch(second)], LABELS, 3)
    assert sum(w**2 for w in solved.weights) == pytest.approx(1)
    weighted = zip(solved.weights, (first, second), strict=True)
    scaled = np.concatenate([weight * rows for weight, rows in weighted], axis=1)
    ridge = Ridge(alpha=solved.alpha).fit(scaled, np.eye(3)[LABELS])
    expected = ridge.predict(scaled) / solved.calibration.temperature + solved.calibration.offset
    actual = np.concatenate([first, second], axis=1) @ solved.kernel + solved.bias
    np.testing.assert_allclose(actual, expected, rtol=1e-3, atol=1e-3)


def test_a_branch_of_noise_gets_the_smallest_weight():
    noise = np.random.default_rng(7).normal(size=(60, 6)).astype("float32")
    noise /= np.linalg.norm(noise, axis=1, keepdims=True)
    weights = solve_branches([Branch(_descriptors(0, 0.4)), Branch(noise)], LABELS, 3).weights
    assert weights[1] / weights[0] == pytest.approx(0.25)
    weights = solve_branches([Branch(noise), Branch(_descriptors(0, 0.4))], LABELS, 3).weights
    assert weights[1] / weights[0] == pytest.approx(4)


def test_a_fold_is_judged_by_descriptors_fitted_without_it():
    """Descriptors that hold the label outright, but for the fold they were not fitted on."""
    leaking, honest = _descriptors(0, 0.05), _descriptors(0, 1.0)
    folds = cross_validation_folds(LABELS)
    assert sorted(np.unique(folds)) == [0, 1, 2, 3, 4]
    fold_grams = {}
    for fold in range(5):
        rows = np.where((folds == fold)[:, None], honest, leaking)
        fold_grams[fold] = rows @ rows.T
    leaked = solve_branches([Branch(leaking)], LABELS, 3).cross_validated
    judged = solve_branches([Branch(leaking, fold_grams=fold_grams)], LABELS, 3)
    assert leaked["accuracy"] == 1
    scores = np.empty((60, 3))
    for fold in range(5):
        out = folds == fold
        ridge = Ridge(alpha=judged.alpha).fit(leaking[~out], np.eye(3)[LABELS[~out]])
        scores[out] = ridge.predict(honest[out])
    accuracy = (scores.argmax(axis=1) == LABELS).mean()
    scaled = (scores - scores.mean()) / judged.calibration.temperature
    logits = scaled / (1 + judged.calibration.inverse_limit * np.abs(scaled))
    log_loss = -log_softmax(logits, axis=1)[np.arange(60), LABELS].mean()
    assert accuracy < 1
    assert judged.cross_validated["accuracy"] == pytest.approx(accuracy)
    assert judged.cross_validated["log_loss"] == pytest.approx(log_loss, rel=1e-3)


def test_folds_keep_groups_together():
    groups = np.arange(60) // 2
    folds = cross_validation_folds(LABELS, groups)
    assert all(len(set(folds[groups == group])) == 1 for group in range(30))
    assert cross_validation_folds(np.arange(4)) is None
