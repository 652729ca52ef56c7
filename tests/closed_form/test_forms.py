"""The forms of one problem agree: Gram matrix, streamed statistics, one worker or several."""

import numpy as np
import pytest

from keras_crosspool.closed_form.branch import Branch
from keras_crosspool.closed_form.classifier import solve_branches
from keras_crosspool.closed_form.methods import METHODS
from keras_crosspool.closed_form.row_groups import RowGroups
from keras_crosspool.closed_form.streaming_problem import StreamingProblem

COUNT, CLASSES = 90, 3


def _data(seed=0, noise=0.6, dims=20):
    rng = np.random.default_rng(seed)
    labels = np.arange(COUNT) % CLASSES
    rows = np.eye(CLASSES, dims)[labels] + noise * rng.normal(size=(COUNT, dims))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype("float32"), labels


def _multi_hot(labels):
    return np.eye(CLASSES, dtype=int)[labels] | np.eye(CLASSES, dtype=int)[labels // 2]


def _assert_equal(actual, expected):
    assert actual.alpha == expected.alpha
    assert actual.weights == expected.weights
    # The Gram matrix is computed in single precision.
    np.testing.assert_allclose(actual.kernel, expected.kernel, rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(actual.bias, expected.bias, rtol=1e-3, atol=1e-3)
    assert actual.kernel.dtype == actual.bias.dtype == np.float32
    for alpha, scores in expected.validation.items():
        assert actual.validation[alpha] == pytest.approx(scores, rel=1e-3)
    if expected.thresholds is not None:
        np.testing.assert_allclose(actual.thresholds, expected.thresholds, atol=1e-3)


@pytest.mark.parametrize("images", [None, np.arange(COUNT) // 2])
@pytest.mark.parametrize("task", ["single_label", "multi_label"])
@pytest.mark.parametrize("dims", [20, 200])
def test_primal_equals_gram(dims, task, images):
    rows, labels = _data(dims=dims)
    if task == "multi_label":
        labels = _multi_hot(labels)
    gram, primal = (
        solve_branches([Branch(rows)], labels, CLASSES, images=images, seed=3, form=form)
        for form in ("gram", "primal")
    )
    _assert_equal(primal, gram)


def test_weights_of_two_branches_are_the_same():
    (first, labels), (noise, _) = _data(), _data(seed=5, noise=100)
    branches = [Branch(first), Branch(noise)]
    gram, primal = (
        solve_branches(branches, labels, CLASSES, form=form) for form in ("gram", "primal")
    )
    assert gram.weights[1] < gram.weights[0]
    _assert_equal(primal, gram)


def test_rows_that_share_a_descriptor():
    (rows, labels), shown = _data(), np.tile(np.arange(COUNT), 2)
    branches = [Branch(rows[shown]), Branch(_data(seed=5)[0], shown)]
    gram, primal = (
        solve_branches(branches, labels[shown], CLASSES, images=shown, form=form)
        for form in ("gram", "primal")
    )
    _assert_equal(primal, gram)


def test_one_image_a_class():
    rows, labels = _data()
    gram, primal = (
        solve_branches([Branch(rows[:CLASSES])], labels[:CLASSES], CLASSES, form=form)
        for form in ("gram", "primal")
    )
    assert primal.validation == {}
    _assert_equal(primal, gram)


@pytest.mark.parametrize("workers", [2, 3])
# Fewer and more columns than the workers show each other at once.
@pytest.mark.parametrize(("form", "dims"), [("gram", 20), ("gram", 1500), ("primal", 20)])
def test_workers_get_what_one_would(run_workers, workers, form, dims):
    rows, labels = _data(dims=dims)
    shared, images = _data(seed=5, dims=8)[0], np.arange(COUNT) // 2
    whole = [Branch(rows), Branch(shared, np.arange(COUNT)[::-1])]
    expected = solve_branches(whole, labels, CLASSES, images=images, form="gram")
    cuts = [0, 13, 50, 90] if workers == 3 else [0, 37, 90]

    def work(distribution):
        own = slice(*cuts[distribution.rank :][:2])
        branches = [
            Branch(rows[own], distribution=distribution),
            Branch(shared, whole[1].rows[own], distribution=distribution),
        ]
        return solve_branches(branches, labels[own], CLASSES, images=images[own], form=form)

    solved = run_workers(work, workers)
    for classifier in solved:
        _assert_equal(classifier, expected)
        np.testing.assert_array_equal(classifier.kernel, solved[0].kernel)


def test_images_of_workers_are_told_apart_by_default(run_workers):
    rows, labels = _data()

    def work(distribution):
        own = slice(45 * distribution.rank, 45 * (distribution.rank + 1))
        branch = Branch(rows[own], distribution=distribution)
        return solve_branches([branch], labels[own], CLASSES, form="primal")

    expected = solve_branches([Branch(rows)], labels, CLASSES)
    for classifier in run_workers(work, 2):
        _assert_equal(classifier, expected)


def test_a_draw_of_many_rows_is_judged():
    rows, labels = _data()
    folds = np.arange(COUNT) % 5
    groups = RowGroups(np.arange(COUNT), np.arange(COUNT), np.zeros(COUNT, int))
    whole, drawn = (
        StreamingProblem([Branch(rows)], labels, CLASSES, METHODS["ridge"], folds, groups, 0, most)
        for most in (COUNT, 30)
    )
    np.testing.assert_array_equal(whole.judged, np.arange(COUNT))
    scores = whole.held_out_scores((1.0,), 0.1)
    of_draw = drawn.held_out_scores((1.0,), 0.1)
    assert 15 < len(of_draw) < 45
    # Each drawn row has the score it has among all, so all rows were fitted on.
    found = [np.flatnonzero(np.isclose(scores, score).all(axis=1))[0] for score in of_draw]
    np.testing.assert_array_equal(drawn.judged, found)
    assert (np.diff(found) > 0).all()


def test_what_has_no_such_form_is_named():
    rows, labels = _data()
    with pytest.raises(ValueError, match=r"svm is solved in .* gram\. Received: form='primal'"):
        solve_branches([Branch(rows)], labels, CLASSES, "svm", form="primal")
    branch = Branch(rows, fold_grams={0: rows @ rows.T})
    with pytest.raises(ValueError, match=r"take the form gram\. Received: form='projected'"):
        solve_branches([branch], labels, CLASSES, form="projected")
