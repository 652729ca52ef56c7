"""Figures from raw samples against the standard library, SciPy and plain loops."""

import itertools
import statistics

import numpy as np
import pytest
from scipy.stats import variation

from benchmarks.latency.statistics import (
    coefficient_of_variation,
    has_settled,
    pareto_front,
    ratio_of_quantiles,
    summarise,
    verdict,
)


@pytest.fixture
def samples():
    rng = np.random.default_rng(1)
    return rng.gamma(3.0, 2e6, (7, 9)).astype("int64") + 1_000_000


def test_summary_against_the_standard_library(samples):
    summary = summarise(samples)
    flat = sorted(sample / 1e6 for sample in samples.ravel().tolist())
    percentiles = statistics.quantiles(flat, n=100, method="inclusive")
    assert summary["samples"] == 63
    for figure, place in (("p50_ms", 50), ("p90_ms", 90), ("p99_ms", 99)):
        assert summary[figure] == pytest.approx(percentiles[place - 1])
    assert summary["min_ms"] == flat[0]
    assert summary["max_ms"] == flat[-1]
    assert summary["images_per_second"] == pytest.approx(63 / (sum(flat) / 1000))


def test_variation_is_of_all_samples_and_of_the_rounds(samples):
    summary = summarise(samples)
    medians = [statistics.median(row) for row in samples.tolist()]
    assert summary["coefficient_of_variation"] == pytest.approx(variation(samples, None, ddof=1))
    assert summary["round_variation"] == pytest.approx(variation(medians, ddof=1))


def test_tail_is_not_dropped(samples):
    slow = samples.copy()
    slow[3, 3] = 10**10
    before, after = summarise(samples), summarise(slow)
    assert after["max_ms"] == 10_000
    assert after["p99_ms"] > before["p99_ms"]
    assert after["images_per_second"] < before["images_per_second"] / 10


@pytest.mark.parametrize(
    ("values", "expected"),
    [((100, 101, 99), "steady"), ((100, 110, 90), "uneven"), ((100, 150, 60), "unstable")],
)
def test_verdict(values, expected):
    assert verdict(coefficient_of_variation(values)) == expected


@pytest.mark.parametrize(
    ("samples", "settled"),
    [
        ([10] * 14, False),
        ([10] * 15, True),
        ([90] * 5 + [20] * 5 + [10] * 5, False),
        ([90] * 5 + [20] * 5 + [10] * 5 + [10] * 5, True),
        ([100] * 10 + [104] * 5, True),
        ([100] * 10 + [106] * 5, False),
        ([100] * 10 + [94] * 5, False),
        ([100] * 10 + [100, 100, 5000, 100, 100], True),
    ],
)
def test_has_settled(samples, settled):
    assert has_settled(samples) is settled


@pytest.mark.parametrize("paired", [False, True])
def test_interval_against_a_bootstrap_over_rounds(paired):
    rng = np.random.default_rng(2)
    rounds = rng.normal(1.0, 0.1, (2, 12, 1))
    top, bottom = rounds * np.array([2.0, 4.0])[:, None, None] + rng.normal(0, 0.01, (2, 12, 5))
    ratios = []
    for _ in range(4000):
        i = rng.integers(12, size=12)
        j = i if paired else rng.integers(12, size=12)
        ratios.append(np.median(top[i]) / np.median(bottom[j]))
    result = ratio_of_quantiles(top, bottom, paired=paired)
    assert result["ratio"] == pytest.approx(np.median(top) / np.median(bottom))
    spread = np.ptp(ratios)
    assert result["low"] == pytest.approx(np.quantile(ratios, 0.025), abs=0.05 * spread)
    assert result["high"] == pytest.approx(np.quantile(ratios, 0.975), abs=0.05 * spread)


def test_pairing_removes_what_the_rounds_share():
    rng = np.random.default_rng(3)
    drift = rng.uniform(1.0, 2.0, (10, 1))
    top, bottom = drift * np.full(4, 3.0), drift * np.full(4, 1.5)
    paired, apart = (ratio_of_quantiles(top, bottom, paired=p) for p in (True, False))
    assert paired["high"] - paired["low"] == pytest.approx(0)
    assert apart["high"] - apart["low"] > 0.3


def test_interval_covers_the_true_ratio_as_often_as_it_says():
    rng = np.random.default_rng(4)
    hits = 0
    for _ in range(100):
        drift = rng.normal(1.0, 0.05, (2, 15, 1))
        top, bottom = drift * rng.gamma(50.0, 0.02, (2, 15, 10))
        result = ratio_of_quantiles(top, bottom)
        hits += result["low"] <= 1 <= result["high"]
    assert 85 <= hits <= 100


def test_pareto_front_against_all_pairs():
    rng = np.random.default_rng(5)
    latencies, accuracies = rng.integers(1, 8, 30), rng.integers(1, 8, 30)
    expected = [True] * 30
    for i, j in itertools.permutations(range(30), 2):
        no_worse = latencies[j] <= latencies[i] and accuracies[j] >= accuracies[i]
        better = latencies[j] < latencies[i] or accuracies[j] > accuracies[i]
        expected[i] &= not (no_worse and better)
    assert pareto_front(latencies, accuracies) == expected
    assert 0 < sum(expected) < 30
