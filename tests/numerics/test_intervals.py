"""The interval of a score that comes in groups covers the truth as often as it says."""

import numpy as np
import pytest
from scipy.stats import binomtest

from keras_crosspool.numerics.intervals import (
    difference_interval,
    jackknife_interval,
    score_interval,
    share_interval,
)


def _covered(groups_of_session, seeds=200):
    """How often the interval holds the true share, of sessions that are right or wrong together."""
    held = 0
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        groups = np.repeat(np.arange(80), groups_of_session)
        chance = rng.choice([0.5, 1.0], size=80)[groups]
        right = rng.random(len(groups)) < chance
        low, high = jackknife_interval(lambda rows, r=right: r[rows].mean(), groups, seed)
        held += low <= 0.75 <= high
    return held / seeds


def test_covers_the_truth_where_images_depend_on_their_session():
    assert 0.88 < _covered(groups_of_session=10) <= 1.0


def test_equals_the_formula_for_independent_images():
    right = np.random.default_rng(0).random(3000) < 0.7
    low, high = jackknife_interval(lambda rows: right[rows].mean(), np.arange(3000))
    share = right.mean()
    expected = 1.96 * np.sqrt(share * (1 - share) / 3000)
    np.testing.assert_allclose((low + high) / 2, share, atol=1e-12)
    np.testing.assert_allclose((high - low) / 2, expected, rtol=0.35)


@pytest.mark.parametrize("groups", [10, 98])
def test_models_that_no_group_tells_apart_may_still_differ(groups):
    sessions = np.repeat(np.arange(groups), 3)
    low, high = difference_interval(lambda rows: 0.0, sessions)
    # Half a pair more in each cell: the difference has the variance (1/2 + 1/2) / (groups + 2)^2.
    assert (low, high) == pytest.approx((-1.96 / (groups + 2), 1.96 / (groups + 2)))


def test_models_that_groups_tell_apart_have_the_interval_of_the_jackknife():
    gain = np.random.default_rng(0).integers(-1, 2, 60)
    measure, groups = (lambda rows: gain[rows].mean()), np.repeat(np.arange(20), 3)
    assert difference_interval(measure, groups) == jackknife_interval(measure, groups)


def test_one_group_has_no_interval():
    assert jackknife_interval(lambda rows: 0.5, np.zeros(4, int)) == (0.5, 0.5)


def test_a_score_is_at_most_one():
    right = np.array([True] * 19 + [False])
    measure, groups = (lambda rows: right[rows].mean()), np.arange(20)
    low, high = jackknife_interval(measure, groups)
    assert high > 1
    assert score_interval(measure, groups, is_share=True) == (low, 1.0)


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_equal_scores_in_all_groups_still_have_a_width(share):
    right = np.tile(np.arange(4) < 4 * share, 12)
    measure, groups = (lambda rows: right[rows].mean()), np.repeat(np.arange(12), 4)
    expected = binomtest(round(12 * share), 12).proportion_ci(0.95, method="wilson")
    np.testing.assert_allclose(
        score_interval(measure, groups, is_share=True), (expected.low, expected.high), atol=1e-4
    )
    assert score_interval(measure, groups, is_share=False) is None


def test_a_score_of_one_group_has_no_interval():
    assert score_interval(lambda rows: 1.0, np.zeros(4, int), is_share=True) is None
    assert score_interval(lambda rows: np.nan, np.arange(4), is_share=True) is None


@pytest.mark.parametrize(("count", "total"), [(0, 5), (5, 5), (1, 3), (159, 192)])
def test_the_interval_of_a_share_is_wilsons(count, total):
    expected = binomtest(count, total).proportion_ci(0.95, method="wilson")
    np.testing.assert_allclose(
        share_interval(count, total), (expected.low, expected.high), atol=1e-4
    )
