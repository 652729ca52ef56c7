"""Results as Markdown tables and CSV rows."""

import numbers

from benchmarks.machine import machine_line

# Key of `flat_row`, heading, format.
_LATENCY_COLUMNS = (
    ("runtime", "runtime", "{}"),
    ("file", "file", "{}"),
    ("precision", "precision", "{}"),
    ("threads", "threads", "{}"),
    ("p50_ms", "p50 ms", "{:.2f}"),
    ("p90_ms", "p90 ms", "{:.2f}"),
    ("p99_ms", "p99 ms", "{:.2f}"),
    ("images_per_second", "images/s", "{:.0f}"),
    ("times_keras", "x Keras", "{:.1f}"),
    ("relative", "p90 ratio", "{:.2f}"),
    ("round_variation", "variation", "{:.1%}"),
    ("verdict", "verdict", "{}"),
    ("peak_mb", "peak MB", "{:.0f}"),
    ("load_seconds", "load s", "{:.2f}"),
    ("first_ms", "first ms", "{:.0f}"),
    ("file_mb", "file MB", "{:.1f}"),
    ("accuracy", "{metric}", "{:.1%}"),
    ("agreement", "same as Keras", "{:.1%}"),
)
# Samples that a percentile takes: for 95 % confidence within the rules of MLPerf Inference.
_LEAST_SAMPLES = {"p90_ms": 64, "p99_ms": 662}
_ABSENT = "-"


def flat_row(row):
    """One runtime's figures, one level deep, as the CSV and the Markdown table show them.

    Args:
        row: dict, an entry of a result's `runtimes`.

    Returns:
        dict from column to str, number or `None`.
    """
    summary, speed, relative = row["summary"], row["speed"] or {}, row.get("relative") or {}
    return {
        "name": row["name"],
        "runtime": row["runtime"],
        "file": row["file"],
        "precision": row["precision"],
        "threads": row["threads"],
        **summary,
        "times_keras": speed.get("ratio"),
        "times_keras_low": speed.get("low"),
        "times_keras_high": speed.get("high"),
        "relative": relative.get("ratio"),
        "relative_low": relative.get("low"),
        "relative_high": relative.get("high"),
        "settled": row["settled"],
        "base_mb": row["base_bytes"] / 1e6,
        "peak_mb": row["peak_bytes"] / 1e6,
        "import_seconds": row["import_seconds"],
        "load_seconds": row["load_seconds"],
        "first_ms": row["first_ns"] / 1e6,
        "file_mb": row["bytes"] / 1e6,
        "accuracy": row["accuracy"],
        "agreement": row["agreement"],
        "pareto": row["pareto"],
    }


def metric_name(results):
    """What the `accuracy` of a latency result is called: of several labels, the mean AP."""
    multi_label = results.get("metric") == "mean_average_precision"
    return "mean average precision" if multi_label else "top-1"


def latency_section(results):
    """A latency result as a Markdown table with what one must know to read it.

    Args:
        results: dict, a latency result.

    Returns:
        str that ends in a line break.
    """
    columns = [
        column
        for column in _LATENCY_COLUMNS
        if column[0] != "relative" or results.get("relative_to")
    ]
    rows = [_latency_cells(flat_row(row), columns) for row in results["runtimes"]]
    headings = [x.format(metric=metric_name(results)) for _, x, _ in columns]
    table = _markdown(headings, rows)
    return f"{table}\n{_latency_caption(results)}\n"


def _latency_cells(row, columns):
    few = {key for key, least in _LEAST_SAMPLES.items() if row["samples"] < least}
    cells = {key: _format(None if key in few else row[key], form) for key, _, form in columns}
    if row["pareto"]:
        cells |= {key: f"**{cells[key]}**" for key in ("p90_ms", "accuracy")}
    return list(cells.values())


def _latency_caption(results):
    settings, images = results["settings"], results["images"]
    metric = metric_name(results)
    start, end = results["load_average"]
    versions = ", ".join(f"{name} {version}" for name, version in results["versions"].items())
    how = (
        f"Batch 1; {settings['rounds']} interleaved rounds of {settings['per_round']} images, "
        f"each runtime in a process of its own. Bold: on the Pareto front of p90 and {metric}. "
        f"{_yardstick(results)}"
        "Variation: coefficient of variation of the rounds' medians. Peak: resident memory of the "
        f"process. {metric.capitalize()}: {images['images']} images of {images['data']}, "
        f"split {images['split']}."
    )
    where = (
        f"{machine_line(results['machine'])}; load average {start:.1f} before, {end:.1f} after; "
        f"{results['date'][:10]}; {versions}."
    )
    return "\n\n".join([how, where, *_warnings(results)])


def _yardstick(results):
    file = results.get("relative_to")
    return f"P90 ratio: to {file} with as many threads. " if file else ""


def _warnings(results):
    rows = results["runtimes"]
    unsettled = [row["name"] for row in rows if not row["settled"]]
    unstable = [row["name"] for row in rows if row["summary"]["verdict"] == "unstable"]
    if unsettled:
        yield f"The warm-up did not settle for {'; '.join(unsettled)}."
    if unstable:
        yield f"Unstable, to be measured again on an idle machine: {'; '.join(unstable)}."
    for row in results["not_run"]:
        yield f"Not run: {row['file']} ({row['precision']}), {row['reason']}."


def comparison_section(changes):
    """The changes against an older result as a Markdown table.

    Args:
        changes: list of dicts, from `benchmarks.latency.comparison.compare`.

    Returns:
        str that ends in a line break.
    """
    rows = [
        [
            change["name"],
            _format(change["old_p50_ms"], "{:.2f}"),
            _format(change["new_p50_ms"], "{:.2f}"),
            "{ratio:.3f} ({low:.3f} to {high:.3f})".format(**change["ratio"])
            if change["ratio"]
            else _ABSENT,
            change["change"],
        ]
        for change in changes
    ]
    headings = ["runtime", "old p50 ms", "new p50 ms", "new / old (95% interval)", "change"]
    return _markdown(headings, rows)


def rows_table(rows):
    """Any rows as a Markdown table.

    Args:
        rows: list of dicts from heading to str, number, bool or `None`; the headings are those of
            all rows, in the order they first appear.

    Returns:
        str that ends in a line break.

    Example:

    >>> print(rows_table([{"model": "a", "top1_accuracy": 0.81234}, {"model": "b"}]), end="")
    | model | top1 accuracy |
    | ----- | ------------- |
    | a     | 0.8123        |
    | b     | -             |
    """
    keys = list(dict.fromkeys(key for row in rows for key in row))
    cells = [[_format_plain(row.get(key)) for key in keys] for row in rows]
    return _markdown([key.replace("_", " ") for key in keys], cells)


def _format_plain(value):
    if isinstance(value, bool):
        return "yes" if value else "no"
    is_fraction = isinstance(value, numbers.Real) and not isinstance(value, numbers.Integral)
    return _format(value, "{:.4g}" if is_fraction else "{}")


def _format(value, form):
    return _ABSENT if value is None else form.format(value)


def _markdown(headings, rows):
    """A Markdown table whose columns line up, so that it reads well as text too."""
    lines = [[cell.replace("|", "\\|") for cell in line] for line in (headings, *rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    lines.insert(1, ["-" * width for width in widths])
    padded = ([cell.ljust(w) for cell, w in zip(line, widths, strict=True)] for line in lines)
    return "".join(f"| {' | '.join(line)} |\n" for line in padded)
