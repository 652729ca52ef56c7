"""Figures from raw latency samples: quantiles, steadiness, intervals, the Pareto front.

Samples are nanoseconds in an array `(rounds, samples of a round)`. The round is the unit of
chance: samples of one round share the machine's state, so intervals resample whole rounds.
"""

import numpy as np

# The most that the medians of the rounds may vary for each verdict.
_VERDICTS = (
    (0.05, "steady"),
    (0.15, "uneven"),
    (np.inf, "unstable"),
)
_SETTLING_BLOCK = 5
_TOLERANCE = 0.05  # between the medians of two blocks, as a part of the larger one
_RESAMPLES = 2000


def summarise(samples):
    """The figures of one runtime.

    Args:
        samples: int array `(rounds, samples of a round)`, nanoseconds, at least two rounds.

    Returns:
        dict with `samples`, their number; `p50_ms`, `p90_ms`, `p99_ms`, `mean_ms`, `min_ms` and
        `max_ms`; `images_per_second`, from the whole time, tail included;
        `coefficient_of_variation` of all samples; `round_variation`, that of the rounds' medians;
        and `verdict`, in words.

    Example:

    >>> summarise([[1_000_000, 3_000_000], [1_000_000, 3_000_000]])["images_per_second"]
    500.0
    """
    milliseconds = np.asarray(samples, "float64") / 1e6
    p50, p90, p99 = np.quantile(milliseconds, (0.5, 0.9, 0.99))
    round_variation = coefficient_of_variation(np.median(milliseconds, axis=1))
    return {
        "samples": int(milliseconds.size),
        "p50_ms": float(p50),
        "p90_ms": float(p90),
        "p99_ms": float(p99),
        "mean_ms": float(milliseconds.mean()),
        "min_ms": float(milliseconds.min()),
        "max_ms": float(milliseconds.max()),
        "images_per_second": float(1000 / milliseconds.mean()),
        "coefficient_of_variation": coefficient_of_variation(milliseconds),
        "round_variation": round_variation,
        "verdict": verdict(round_variation),
    }


def coefficient_of_variation(values):
    """Standard deviation (of a sample) over mean."""
    return float(np.std(values, ddof=1) / np.mean(values))


def verdict(round_variation):
    """Says in words how far the rounds agree.

    Args:
        round_variation: float, coefficient of variation of the rounds' medians.

    Returns:
        `"steady"` (up to 5%), `"uneven"` (up to 15%) or `"unstable"`.

    Example:

    >>> verdict(0.01)
    'steady'
    """
    return next(words for limit, words in _VERDICTS if round_variation <= limit)


def has_settled(samples):
    """Whether a warm-up has become stable: the last two of three or more blocks agree.

    Args:
        samples: sequence of nanoseconds so far, in order. The medians of the last two blocks of
            five may differ by 5% of the larger one.

    Example:

    >>> has_settled([90] * 5 + [20] * 5), has_settled([90] * 5 + [20] * 10)
    (False, True)
    """
    if len(samples) < 3 * _SETTLING_BLOCK:
        return False
    before, last = np.median(np.reshape(samples[-2 * _SETTLING_BLOCK :], (2, -1)), axis=1)
    return bool(abs(last - before) <= _TOLERANCE * max(last, before))


def ratio_of_quantiles(numerator, denominator, quantile=0.5, paired=False):
    """Ratio of two quantiles with its 95% bootstrap interval over rounds.

    Args:
        numerator: samples `(rounds, samples of a round)`.
        denominator: samples, likewise.
        quantile: float. Defaults to `0.5`, the medians.
        paired: bool, whether round i of both was taken at the same moment, as in one run.
            Defaults to `False`.

    Returns:
        dict with `ratio`, `low` and `high`.

    Example:

    >>> ratio_of_quantiles([[2, 2], [2, 2]], [[4, 4], [4, 4]])
    {'ratio': 0.5, 'low': 0.5, 'high': 0.5}
    """
    from scipy.stats import bootstrap

    numerator, denominator = np.asarray(numerator, float), np.asarray(denominator, float)

    def ratio(top, bottom, axis):
        # Both hold indices of rounds along the last axis.
        found = [
            np.quantile(samples[rounds], quantile, axis=(-2, -1))
            for samples, rounds in ((numerator, top), (denominator, bottom))
        ]
        return found[0] / found[1]

    rounds = (np.arange(len(numerator)), np.arange(len(denominator)))
    interval = bootstrap(
        rounds,
        ratio,
        n_resamples=_RESAMPLES,
        vectorized=True,
        paired=paired,
        axis=-1,
        method="percentile",
        rng=np.random.default_rng(0),
    ).confidence_interval
    return {
        "ratio": float(ratio(*rounds, axis=-1)),
        "low": float(interval.low),
        "high": float(interval.high),
    }


def pareto_front(latencies, accuracies):
    """Which points no other point beats: none is as fast and as accurate and better in one.

    Args:
        latencies: float `(n,)`, less is better.
        accuracies: float `(n,)`, more is better.

    Returns:
        List of bool.

    Example:

    >>> pareto_front([1, 2, 3], [0.8, 0.7, 0.9])
    [True, False, True]
    """
    points = list(zip(latencies, accuracies, strict=True))
    return [
        not any(x <= latency and y >= accuracy and (x, y) != (latency, accuracy) for x, y in points)
        for latency, accuracy in points
    ]
