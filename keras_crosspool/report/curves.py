"""The sections of the page with curves: tuning, calibration, and what abstaining gives."""

import math

import numpy as np

from keras_crosspool.evaluation.plots import metrics_of
from keras_crosspool.html_page import escaped
from keras_crosspool.report.chart import Chart, Series


def tuning(history):
    """The section of the tuning curve: a chart for each metric; nothing without a history.

    Args:
        history: dict, metric to its value after each epoch.

    Yields:
        str, HTML.
    """
    charts = [chart for name in metrics_of(history) if (chart := _tuning_chart(name, history))]
    if charts:
        yield f'<h2>Tuning</h2>\n<div class="charts">{"".join(charts)}</div>\n'


def _tuning_chart(metric, history):
    """The values of a metric on training and validation images; empty where none is finite."""
    words, values = metric.replace("_", " "), {}
    for name, key in (("training", metric), ("validation", f"val_{metric}")):
        points = [
            (epoch, value)
            for epoch, value in enumerate(history.get(key, ()), 1)
            if value is not None and math.isfinite(value)
        ]
        if points:
            values[name] = points
    if not values:
        return ""
    series = tuple(Series(name, np.array(points, float)) for name, points in values.items())
    epochs = sorted({epoch for points in values.values() for epoch, _ in points})
    found = {name: dict(points) for name, points in values.items()}
    rows = [
        (epoch, *(f"{each[epoch]:.4g}" if epoch in each else "" for each in found.values()))
        for epoch in epochs
    ]
    title = f"{words} after each epoch of tuning"
    chart = Chart(title, "epoch", words, series, least_step=1)
    return chart.to_html(("epoch", *values), rows)


def calibration(measured):
    """The section of how far probabilities are true.

    Args:
        measured: `Measured`.

    Yields:
        str, HTML.
    """
    bins, single = measured.reliability, measured.answered is not None
    what = "answers" if single else "labels"
    yield (
        "<section><h2>Calibration</h2>\n<p>How often the model is right where it is so sure. Dots "
        f"on the dashed line are as right as sure; a larger dot holds more {what}. The expected "
        f'calibration error is <data id="calibration" value="{measured.calibration_error}">'
        f"{measured.calibration_error:.3f}</data>. Of some hundred photographs "
        "it is a few percent even where the probabilities are true.</p>\n"
    )
    chart = Chart(
        f"Share of {what} that is right against their probability",
        "probability of the answer" if single else "probability of a label",
        "share that is right" if single else "share that is there",
        (Series(what, bins[:, :2], dots=True, areas=bins[:, 2]),),
        across_range=(0, 1),
        up_range=(0, 1),
        diagonal=True,
    )
    rows = [
        (f"{confidence:.3f}", f"{right:.3f}", f"{share:.3f}") for confidence, right, share in bins
    ]
    yield f"{chart.to_html(('probability', 'right', 'share of all'), rows)}</section>\n"


def reject_curve(measured, rejection):
    """The section of what leaving the least sure answers out gives.

    Args:
        measured: `Measured`; nothing is shown of several labels an image.
        rejection: `Rejection` of the model, or `None`.

    Yields:
        str, HTML.
    """
    curve = measured.answered
    if curve is None:
        return
    yield (
        "<section><h2>If it may abstain</h2>\n<p>The share of answers that is right, where only "
        "the surest are given and the other photographs are left to a person.</p>\n"
    )
    lowest = max(0.0, math.floor(10 * curve[:, 1].min() - 1e-9) / 10)
    chart = Chart(
        "Share of right answers against the share of photographs answered",
        "share answered, the surest first",
        "share right of those",
        (Series("answers", curve),),
        across_range=(0, 1),
        up_range=(min(lowest, 0.9), 1),
    )
    scores = measured.scores
    rows = [("100%", f"{scores.top1:.4f}")]
    rows += [(share, f"{right:.4f}") for share, right in scores.answered.items()]
    yield chart.to_html(("answered", "right"), rows)
    if rejection:
        words = escaped(rejection.words())
        yield f"<p>None of the classes, as measured in training: it {words}.</p>\n"
    if measured.unknown:
        lines = "<br>".join(map(escaped, measured.unknown.summary().splitlines()))
        yield f'<p id="unknown">{lines}</p>\n'
    yield "</section>\n"
