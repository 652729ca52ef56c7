"""What changed between two latency results."""

from benchmarks.latency.statistics import ratio_of_quantiles

_FEWEST_ROUNDS = 5  # fewer give an interval that means little


def compare(new, old):
    """Compares two latency results, line by line.

    The interval is over the rounds of the two runs, so it knows the noise within a run; that of
    another day or another machine it cannot know.

    Args:
        new: dict, a latency result.
        old: dict, the one before it.

    Returns:
        List of dicts with `name`, `old_p50_ms`, `new_p50_ms`, `ratio` (the new median over the old
        one: `ratio`, `low`, `high`) and `change`, in words; figures that one of them lacks are
        `None`.

    """
    rows = [{row["name"]: row for row in results["runtimes"]} for results in (new, old)]
    return [_change(name, *(row.get(name) for row in rows)) for name in rows[0] | rows[1]]


def check_rounds(rounds, source):
    """Refuses a number of rounds that is too small to compare.

    Args:
        rounds: int.
        source: str, the flag or file it comes from, for the error.

    Raises:
        ValueError: if there are fewer than five.
    """
    if rounds < _FEWEST_ROUNDS:
        raise ValueError(
            f"A comparison takes at least {_FEWEST_ROUNDS} rounds. Received: {rounds} in {source}"
        )


def differences(new, old):
    """What else is different, in sentences: machine, versions, images."""
    named = {
        "machine": [results["machine"] for results in (new, old)],
        "library versions": [results["versions"] for results in (new, old)],
        "images": [results["images"]["sha256"] for results in (new, old)],
    }
    return [f"The {what} differ from the older run's." for what, (a, b) in named.items() if a != b]


def _change(name, new, old):
    ratio = None
    if new and old:
        ratio = ratio_of_quantiles(new["samples_ns"], old["samples_ns"])
    return {
        "name": name,
        "old_p50_ms": old and old["summary"]["p50_ms"],
        "new_p50_ms": new and new["summary"]["p50_ms"],
        "ratio": ratio,
        "change": _words(new, old, ratio),
    }


def _words(new, old, ratio):
    if not old:
        return "new"
    if not new:
        return "gone"
    if ratio["high"] < 1:
        return "faster"
    return "slower" if ratio["low"] > 1 else "no change shown"
