"""The sections of what is shipped: exported files, and their latency where it was measured."""

import numpy as np

from keras_crosspool.html_page import escaped, table
from keras_crosspool.report.chart import Chart, Series
from keras_crosspool.text import percent


def artefact_section(artefacts):
    """The section of the exported files; nothing without any.

    Args:
        artefacts: sequence of `Artefact`.

    Yields:
        str, HTML.
    """
    if not artefacts:
        return
    yield (
        "<h2>Exported files</h2>\n<p>Each was compared with the Keras model on real photographs "
        "before it was written, unless its row says that this was off. The cosine is that of the "
        "logits of the worst of these photographs; the scores are of these photographs too.</p>\n"
    )
    columns = ("file", "format", "MB", "parity", "cosine", "same answer", "score", "of Keras")
    yield table(columns, map(_artefact_row, artefacts))


def _artefact_row(artefact):
    parity = artefact.parity
    size = f"{artefact.bytes / 1e6:.2f}"
    kind = f"{artefact.format} {artefact.precision}"
    if parity["status"] == "off":
        return artefact.file, kind, size, "off: unproven", "", "", "", ""
    return (
        artefact.file,
        kind,
        size,
        f"{parity['status']} on {parity['images']} images of {parity['split']}",
        f"{parity['cosine']['worst']:.5f}",
        percent(parity["agreement"]),
        percent(parity["score"]),
        percent(parity["reference_score"]),
    )


def latency_section(latency):
    """The section of measured latency; nothing without a measurement.

    Args:
        latency: `Latency`, or `None`.

    Yields:
        str, HTML.
    """
    if latency is None:
        return
    metric, runtimes = latency["metric"].replace("_", " "), latency["runtimes"]
    machine, images = latency["machine"], latency["images"]["images"]
    measured = f"{machine['cpu']}, {machine['cores']} cores, {latency['date'][:10]}"
    yield (
        f"<h2>Latency</h2>\n<p>Of one photograph, measured on {escaped(measured)}; the "
        f"{escaped(metric)} is that of {images} photographs. The numbers are those of the table."
        "</p>\n"
    )
    points = np.array([(row["summary"]["p90_ms"], row["accuracy"]) for row in runtimes])
    numbers = tuple(str(number) for number in range(1, len(runtimes) + 1))
    chart = Chart(
        f"{metric} against latency of each runtime",
        "p90 of the latency, ms",
        metric,
        (Series("runtimes", points, dots=True, labels=numbers),),
        is_logarithmic=True,
    )
    yield chart.to_html()
    rows = [
        (
            number,
            f"{row['name']}, {row['precision']}",
            f"{row['summary']['p50_ms']:.2f}",
            f"{row['summary']['p90_ms']:.2f}",
            f"{row['accuracy']:.4f}",
            row["summary"]["verdict"],
        )
        for number, row in zip(numbers, runtimes, strict=True)
    ]
    yield table(("", "runtime", "p50, ms", "p90, ms", metric, "timings are"), rows)
