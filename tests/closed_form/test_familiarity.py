"""What tells images of none of the classes: against means written out, in both forms."""

import dataclasses

import numpy as np
import pytest

from keras_crosspool.closed_form.branch import Branch
from keras_crosspool.closed_form.classifier import solve_branches
from keras_crosspool.closed_form.familiarity import Familiarity
from keras_crosspool.numerics.likeness import mean_likeness
from keras_crosspool.targets.rejection import auroc
from tests.common_part import common_part


def _images(count, seed, offset=3.0, classes=4, dims=40):
    """Descriptors that share a direction, and each class one of its own; of length one."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(classes, size=count)
    rows = rng.normal(size=(count, dims))
    rows[np.arange(count), labels] += 4
    rows[:, -1] += offset
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype("float32"), labels


@pytest.mark.parametrize("form", ["gram", "primal"])
@pytest.mark.parametrize("weights", [(1.0, 1.0), (1.0, 0.3)])
def test_it_is_the_mean_of_other_folds_in_deviations(form, weights):
    rows, labels = _images(90, 0)
    branches = [Branch(rows[:, :30]), Branch(np.ascontiguousarray(rows[:, 30:]))]
    solved = solve_branches(branches, labels, 4, form=form, chosen=(weights, 0.1))
    weighted = rows * np.repeat(weights, [30, 10])
    found = rows @ solved.familiarity + solved.familiarity_bias
    expected = common_part(weighted, weighted, labels)
    np.testing.assert_allclose(found[:, None], expected, rtol=1e-3, atol=1e-4)


def test_sessions_do_not_see_themselves():
    rows, labels = _images(60, 1)
    rows, labels = np.repeat(rows, 2, axis=0), np.repeat(labels, 2)  # two alike a session
    groups = np.repeat(np.arange(60), 2)
    solved = solve_branches([Branch(rows)], labels, 4, groups=groups)
    found = rows @ solved.familiarity + solved.familiarity_bias
    expected = common_part(rows, rows, labels, groups)
    np.testing.assert_allclose(found[:, None], expected, rtol=1e-3, atol=1e-4)


def test_rows_of_their_own_group_are_left_out():
    rows, groups = np.random.default_rng(0).normal(size=(20, 3)), np.arange(20) % 4
    expected = [
        np.mean([rows[i] @ rows[j] for j in range(20) if groups[j] != groups[i]]) for i in range(20)
    ]
    np.testing.assert_allclose(mean_likeness(rows @ rows.T, groups, np.ones(20)), expected)


@pytest.mark.parametrize("form", ["gram", "primal"])
def test_rare_classes_are_as_familiar_as_frequent_ones(form):
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2], [240, 20, 20])
    rows = np.eye(12)[labels] * 3 + rng.normal(size=(280, 12))
    rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype("float32")
    solved = solve_branches([Branch(rows)], labels, 3, form=form)
    common = rows @ solved.familiarity + solved.familiarity_bias
    means = [common[labels == label].mean() for label in range(3)]
    assert max(means) - min(means) < 1  # 2.3 where all images count the same
    np.testing.assert_allclose(common[:, None], common_part(rows, rows, labels), atol=1e-4)


def test_images_of_another_kind_are_refused_and_probabilities_stay():
    known, labels = _images(300, 2)
    strange, _ = _images(300, 3, offset=-3.0)  # of the same classes but for the common direction
    shown, _ = _images(300, 4)
    solved = solve_branches([Branch(known)], labels, 4)
    plain = dataclasses.replace(
        solved, familiarity=np.zeros_like(solved.familiarity), familiarity_bias=0.0
    )
    ahead = {
        name: auroc(each.logits(shown).max(axis=1), each.logits(strange).max(axis=1))
        for name, each in (("with", solved), ("without", plain))
    }
    assert ahead["with"] > 0.95 > 0.8 > ahead["without"]
    assert solved.rejection.refuses(solved.logits(strange)).mean() > 0.75
    assert solved.rejection.refuses(solved.logits(shown)).mean() < 0.15
    difference = solved.logits(shown) - plain.logits(shown)
    np.testing.assert_allclose(difference, np.broadcast_to(difference[:, :1], (300, 4)), atol=1e-5)


def test_several_labels_have_none():
    rows, labels = _images(60, 5)
    solved = solve_branches([Branch(rows)], np.eye(4, dtype=int)[labels], 4)
    assert not solved.familiarity.any()
    assert solved.familiarity_bias == 0


@pytest.mark.parametrize("rounding", [0.0, 1e-6])
def test_images_that_are_all_alike_have_a_deviation(rounding):
    alike = Familiarity(2.0 + rounding * np.array([-1.0, 0, 1]))
    assert alike.deviations(np.array([2.0, 1.0])).tolist() == [0.0, -1.0]
