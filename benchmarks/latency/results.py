"""A latency result: raw samples and the figures derived from them, as JSON, table, CSV and plot."""

import csv
import pathlib
from typing import Annotated, TypedDict

import numpy as np

from benchmarks.latency.candidate import REFERENCE
from benchmarks.latency.statistics import pareto_front, ratio_of_quantiles, summarise
from keras_crosspool.files import atomic_path
from keras_crosspool.records import POSITIVE, read_record
from keras_crosspool.targets import task_of

_HEADLINE = 0.9  # the quantile that 64 samples and more tell (MLPerf)
_SCORES = {"scores", "are_probabilities"}  # of a measurement, which its row replaces by answers


class _Summary(TypedDict):
    p50_ms: float


class _Runtime(TypedDict):
    name: str
    samples_ns: tuple[tuple[Annotated[int, POSITIVE], ...], ...]
    summary: _Summary


class _Images(TypedDict):
    sha256: str


class _Settings(TypedDict):
    rounds: Annotated[int, POSITIVE]


class _Results(TypedDict):
    """What a comparison needs of a latency result."""

    machine: dict
    versions: dict
    settings: _Settings
    images: _Images
    runtimes: tuple[_Runtime, ...]


def derive(measurements, labels, thresholds=None, relative_to=None):
    """Adds to each measurement what follows from its raw data.

    Args:
        measurements: list of dicts, from `measure`.
        labels: int `(n,)`, the classes of the images, or multi-hot `(n, classes)`.
        thresholds: float `(classes,)`, of a multi-label model. Defaults to one half each.
        relative_to: str, the file of the measurement that all are compared with. Defaults to none.

    Returns:
        List of dicts: the measurements, in place of their scores what they say, `predicted`: the
        class of each image or the list of its labels, -1 where a logit is NaN or infinite;
        `summary` (see `summarise`); `accuracy`, or the mean average precision of several labels;
        `agreement` (part of the images on which Keras says the same, or the Dice coefficient of
        the labels) and `speed` (Keras' p50 over this p50 with its 95% interval), `None` where Keras
        was not measured; `relative`, this p90 over that of `relative_to` with the same number of
        threads, with its 95% interval, or `None`; and `pareto`.
    """
    by_name = {measurement["name"]: measurement for measurement in measurements}
    reference = by_name.get(REFERENCE)
    rows = [_derive_row(measurement, labels, thresholds, reference) for measurement in measurements]
    latencies = [row["summary"]["p90_ms"] for row in rows]
    front = pareto_front(latencies, [row["accuracy"] for row in rows])
    yardsticks = {row["threads"]: row["samples_ns"] for row in rows if row["file"] == relative_to}
    return [
        row | {"pareto": pareto, "relative": _relative(row, yardsticks.get(row["threads"]))}
        for row, pareto in zip(rows, front, strict=True)
    ]


def _relative(row, yardstick):
    if yardstick is None:
        return None
    return ratio_of_quantiles(row["samples_ns"], yardstick, _HEADLINE, paired=True)


def _derive_row(measurement, labels, thresholds, reference):
    task = task_of(labels)
    logits = _logits(measurement, task)
    finite = np.isfinite(logits).all(axis=1)
    answers = task.answers(logits, thresholds)
    agreement, speed = None, None
    if reference is not None:
        expected = _logits(reference, task)
        both = finite & np.isfinite(expected).all(axis=1)
        agreement = _of_all(both, task.agreement, expected, logits, thresholds)
        speed = ratio_of_quantiles(reference["samples_ns"], measurement["samples_ns"], paired=True)
    kept = {name: measurement[name] for name in measurement.keys() - _SCORES}
    return kept | {
        "predicted": [said if ok else -1 for said, ok in zip(answers, finite, strict=True)],
        "summary": summarise(measurement["samples_ns"]),
        "accuracy": _of_all(finite, task.measure, logits, labels),
        "agreement": agreement,
        "speed": speed,
    }


def _logits(measurement, task):
    scores = measurement["scores"]
    return task.logits(scores) if measurement["are_probabilities"] else scores


def _of_all(rows, figure, first, second, *arguments):
    """A figure of some rows as a part of all: the others count as wrong."""
    return figure(first[rows], second[rows], *arguments) * float(rows.mean()) if rows.any() else 0.0


def write_results(results, output, keep_unstable=False):
    """Writes a result as JSON and beside it as `.md`, `.csv` and `.png`.

    Args:
        results: dict, see `benchmarks.latency`.
        output: path of the `.json` file.
        keep_unstable: whether unstable figures may be published. Defaults to `False`.

    Returns:
        List of `pathlib.Path`, the files.

    Raises:
        UnstableError: as `benchmarks.record.write_record` does.
    """
    from benchmarks.plots.latency import plot_latency
    from benchmarks.record import write_record
    from benchmarks.table import flat_row, latency_section

    output = pathlib.Path(output)
    files = [output.with_suffix(suffix) for suffix in (".json", ".md", ".csv", ".png")]
    with (
        atomic_path(files[3]) as plot,
        atomic_path(files[2]) as table,
        atomic_path(files[1]) as markdown,
    ):
        plot_latency(results, plot)
        rows = [flat_row(row) for row in results["runtimes"]]
        with open(table, "w", newline="") as file:
            writer = csv.DictWriter(file, rows[0], lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
        markdown.write_text(latency_section(results))
        write_record(files[0], results, keep_unstable, indent=None)
    return files


def read_results(path):
    """Reads a latency result.

    Raises:
        ValueError: if the file is missing or no latency result.
    """
    path = pathlib.Path(path)
    if not path.is_file():
        raise ValueError(f"Expected a JSON file of benchmarks.latency. Received: no file {path}")
    return read_record(_Results, path, "measure again, or name a JSON file of benchmarks.latency")
