"""What cross-validation says of other sessions and of the same ones, in every form."""

import numpy as np
import pytest

from keras_crosspool.closed_form.branch import Branch
from keras_crosspool.closed_form.classifier import cross_validation_folds, solve_branches
from keras_crosspool.closed_form.gram_problem import GramProblem
from keras_crosspool.closed_form.methods import METHODS
from keras_crosspool.closed_form.row_groups import RowGroups
from keras_crosspool.numerics.ridge import fit_ridge

CLASSES, SESSIONS, SHOTS, VIEWS = 4, 6, 4, 2


def _data(seed=0):
    """Views of photographs whose session shows more than their class does."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(CLASSES), SESSIONS * SHOTS * VIEWS)
    sessions = np.arange(len(labels)) // (SHOTS * VIEWS)
    images = np.arange(len(labels)) // VIEWS
    rows = (
        0.7 * rng.normal(size=(CLASSES, 30))[labels]
        + 1.2 * rng.normal(size=(CLASSES * SESSIONS, 30))[sessions]
        + 0.3 * rng.normal(size=(len(labels), 30))
    )
    return rows.astype("float32"), labels, images, sessions


def _refitted(rows, labels, alpha, groups):
    """The accuracy by the definition: without each group in turn."""
    targets, gram = np.eye(CLASSES)[labels], rows @ rows.T
    right = np.empty(len(rows), bool)
    for group in np.unique(groups):
        out = groups == group
        dual_coef, bias = fit_ridge(gram[np.ix_(~out, ~out)], targets[~out], alpha)
        right[out] = (gram[np.ix_(out, ~out)] @ dual_coef + bias).argmax(axis=1) == labels[out]
    return right.mean()


@pytest.mark.parametrize("form", ["gram", "primal"])
def test_both_scores_equal_refits(form):
    rows, labels, images, sessions = _data()
    solved = solve_branches(
        [Branch(rows)], labels, CLASSES, images=images, groups=sessions, form=form
    )
    folds = cross_validation_folds(labels, sessions)
    others = _refitted(rows, labels, solved.alpha, folds)
    same = _refitted(rows, labels, solved.alpha, images)
    np.testing.assert_allclose(solved.cross_validated["accuracy"], others, atol=1e-9)
    np.testing.assert_allclose(solved.same_sessions, same, atol=1e-9)
    assert same > others + 0.05
    low, high = solved.interval
    assert low < others < high


@pytest.mark.parametrize("form", ["gram", "primal"])
def test_workers_find_the_same_scores(run_workers, form):
    rows, labels, images, sessions = _data()
    known = {"images": images, "groups": sessions}
    expected = solve_branches([Branch(rows)], labels, CLASSES, form=form, **known)
    half = 2 * SESSIONS * SHOTS * VIEWS + 3 * VIEWS  # a session is on both workers

    def work(distribution):
        own = slice(0, half) if distribution.rank == 0 else slice(half, None)
        branch = Branch(rows[own], distribution=distribution)
        mine = {name: values[own] for name, values in known.items()}
        return solve_branches([branch], labels[own], CLASSES, form=form, **mine)

    for solved in run_workers(work, 2):
        assert solved.alpha == expected.alpha
        np.testing.assert_allclose(solved.same_sessions, expected.same_sessions, atol=1e-9)
        np.testing.assert_allclose(solved.interval, expected.interval, atol=1e-6)
        np.testing.assert_allclose(
            solved.cross_validated["accuracy"], expected.cross_validated["accuracy"], atol=1e-9
        )


def test_what_was_fitted_to_labels_is_that_without_the_fold():
    """Descriptors that know their labels flatter, unless those of a fold were fitted without it."""
    rows, labels, images, sessions = _data()
    folds = cross_validation_folds(labels, sessions)
    knowing = np.concatenate([rows, 5 * np.eye(CLASSES)[labels]], axis=1).astype("float32")
    fold_grams = dict.fromkeys(np.unique(folds), rows @ rows.T)
    branch = Branch(knowing, fold_grams=fold_grams)
    solved = solve_branches([branch], labels, CLASSES, images=images, groups=sessions)
    np.testing.assert_allclose(
        solved.same_sessions, _refitted(rows, labels, solved.alpha, images), atol=1e-9
    )


def test_no_sessions_no_second_score():
    rows, labels, images, _ = _data()
    solved = solve_branches([Branch(rows)], labels, CLASSES, images=images)
    assert solved.same_sessions is None
    svm = solve_branches([Branch(rows)], labels, CLASSES, "svm", images, images // 3)
    assert svm.same_sessions is None
    assert svm.interval is not None


@pytest.mark.parametrize("short", [True, False])  # by the rows; by their Gram matrix, in float32
def test_a_class_that_is_left_out_is_as_in_a_refit(short):
    rows, labels, images, sessions = _data()
    if not short:
        rows = np.pad(rows, [(0, 0), (0, len(rows))])
    groups = RowGroups(images, sessions, np.zeros(len(labels), int))
    targets = np.eye(CLASSES)[labels]
    folds = cross_validation_folds(labels, sessions)
    problem = GramProblem([Branch(rows)], labels, targets, METHODS["ridge"], folds, groups)
    found = problem.left_out((1.0,), 0.1).classes.scores
    gram = rows.astype("float64") @ rows.T if short else rows @ rows.T
    for label in range(CLASSES):
        out, others = labels == label, np.arange(CLASSES) != label
        dual_coef, bias = fit_ridge(
            gram[np.ix_(~out, ~out)].astype("float64"), targets[np.ix_(~out, others)], 0.1
        )
        expected = gram[np.ix_(out, ~out)] @ dual_coef + bias
        np.testing.assert_allclose(found[np.ix_(out, others)], expected, atol=1e-6)
        assert (found[out, label] == -np.inf).all()


def test_the_rejection_keeps_its_rate_on_held_out_rows():
    rows, labels, images, sessions = _data()
    solved = solve_branches(
        [Branch(rows)], labels, CLASSES, images=images, groups=sessions, reject_rate=0.1
    )
    assert abs(solved.rejection.refused_known - 0.1) < 0.01
    assert solved.rejection.auroc > 0.5
    streamed = solve_branches(
        [Branch(rows)], labels, CLASSES, images=images, groups=sessions, form="primal"
    )
    assert streamed.rejection.auroc is None
    several = solve_branches([Branch(rows)], np.eye(CLASSES, dtype=int)[labels], CLASSES)
    assert several.rejection is None


@pytest.mark.parametrize("views", [1, 3, 4, 7])
def test_folds_do_not_depend_on_the_views(views):
    """The guidance is trained without a fold of images; its rows must be in the same fold."""
    rng = np.random.default_rng(0)
    sizes = rng.integers(1, 7, size=40)
    groups = np.repeat(np.arange(40), sizes)
    labels = np.repeat(rng.integers(5, size=40), sizes)
    images = np.tile(np.arange(len(labels)), views)
    of_rows = cross_validation_folds(labels[images], groups[images], images)
    np.testing.assert_array_equal(of_rows, cross_validation_folds(labels, groups)[images])
