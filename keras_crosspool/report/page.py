"""The page of a model, section by section."""

from keras_crosspool.html_page import escaped, page, prose, table
from keras_crosspool.report.chart import STYLE
from keras_crosspool.report.curves import calibration, reject_curve, tuning
from keras_crosspool.report.facts import BASELINE, facts, images_used, limits, not_tuned, purpose
from keras_crosspool.report.figures import PAIR_STYLE, look_alike_cards
from keras_crosspool.report.shipped import artefact_section, latency_section
from keras_crosspool.targets import SINGLE_LABEL, TARGETS
from keras_crosspool.text import percent, share_range

_MOST_ROWS = 2000  # classes in the table
_STYLE = """
.scores { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(15em, 100%), 1fr));
  gap: 1em; margin: 1em 0; }
.scores div { border: 1px solid var(--line); border-radius: 6px; padding: .7em 1em; }
.scores p { margin: 0; } .big { font-size: 1.9em; font-weight: 600; }
.note { border-left: 4px solid var(--second); padding-left: .8em; }
.charts h2 { margin-top: 1em; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(24em, 100%), 1fr));
  gap: 1.5em; }
"""


def report_page(report):
    """Writes the page as text.

    Args:
        report: `ModelReport`.

    Yields:
        str, parts of the HTML. It needs no other file, no script and no network.
    """
    style = _STYLE + STYLE + PAIR_STYLE
    yield from page(f"Report of {report.metadata.name}", _sections(report), style)


def _sections(report):
    metadata, measured = report.metadata, report.measured
    yield f"<p>{prose(purpose(metadata))}</p>\n"
    yield from _headline(metadata, measured)
    yield f"<h2>What it was trained on</h2>\n{table((), facts(metadata))}"
    yield from tuning(report.history)
    if measured:
        yield from look_alike_cards(measured.look_alikes, metadata)
        yield '<div class="charts">\n'
        yield from calibration(measured)
        yield from reject_curve(measured, metadata.rejection)
        yield "</div>\n"
        yield from _classes(metadata, measured.scores)
    yield from artefact_section(report.artefacts)
    yield from latency_section(report.latency)
    yield from _card(metadata)


def _headline(metadata, measured):
    yield '<h2>How well it does</h2>\n<div class="scores">\n'
    yield from _tiles(metadata, measured)
    yield "</div>\n"
    if measured and measured.note:
        yield f'<p class="note">{escaped(measured.note)}</p>\n'


def _tiles(metadata, measured):
    """The score, and beside it what it has to be compared with."""
    metric, scores = TARGETS[metadata.task].metric, metadata.scores
    words = metric.replace("_", " ")
    if measured:
        yield _tile(measured.score, _measured_words(words, measured), name="score")
    else:
        yield (
            '<div><p class="big">not measured</p><p>No photographs were set aside to measure the '
            f"{words} on. crosspool report --split=SPLIT measures it on others.</p></div>\n"
        )
    baseline = scores.baseline and scores.baseline.validation.get(metric)
    if measured and baseline is not None and measured.is_validation:
        of = f"{BASELINE}, the baseline{not_tuned(scores)}"
        yield _tile(baseline, f"{words} of {of}, on the same photographs")
    if metric in scores.cross_validated:
        yield from _cross_validated(metadata, metric)


def _measured_words(words, measured):
    found = f"{words} on {measured.scores.images} photographs of split {measured.split}"
    if measured.interval is None:
        return f"{found}; no interval, for too few sessions or equal scores in all"
    return f"{found}; {_interval(measured.interval)}, {measured.counted}"


def _interval(ends):
    return f"95 % interval {share_range(ends)}"


def _cross_validated(metadata, metric):
    """What cross-validation of the training photographs says, of other and of the same sessions."""
    solved, sessions = metadata.scores.solved, metadata.data.get("sessions", 0)
    words = f"{metric.replace('_', ' ')} by cross-validation"
    before = metadata.scores.before_changes()
    of = "training photographs that were held out"
    if sessions:
        of = f"photographs of other sessions ({sessions}, {metadata.data.get('grouped_by')})"
    interval = f"; {_interval(solved.interval)}" if solved.interval else ""
    yield _tile(solved.cross_validated[metric], f"{words} on {of}{before}{interval}")
    if solved.same_sessions is not None:
        yield _tile(
            solved.same_sessions,
            f"{words} on photographs of the same sessions{before}; on another day it is the one of "
            "other sessions",
        )


def _tile(value, words, name=""):
    mark = f' id="{name}"' if name else ""
    return (
        f'<div><p class="big"><data{mark} value="{value}">{percent(value)}</data></p>'
        f"<p>{escaped(words)}</p></div>\n"
    )


def _classes(metadata, scores):
    """Every class as a row, the weakest first."""
    figures = [name for name in next(iter(scores.classes.values())) if name != "images"]
    counts = "recall" if TARGETS[metadata.task] is SINGLE_LABEL else figures[0]
    found = sorted(scores.classes.items(), key=lambda item: item[1][counts])
    missing = [name for name in metadata.class_names if name not in scores.classes]
    rows = [
        (name, row["images"], *(f"{row[figure]:.3f}" for figure in figures)) for name, row in found
    ] + [(name, 0, *("not measured" for _ in figures)) for name in missing]
    yield f"<h2>Classes</h2>\n<p>The {counts.replace('_', ' ')} is lowest in the first row.</p>\n"
    if len(rows) > _MOST_ROWS:
        yield f"<p>The first {_MOST_ROWS} of {len(rows)} are shown.</p>\n"
    columns = ("class", "images", *(name.replace("_", " ") for name in figures))
    yield table(columns, rows[:_MOST_ROWS])


def _card(metadata):
    """What the model card says of how the model was made and what it is good for."""
    data = metadata.data
    sentences = [*limits(metadata).split("\n"), *images_used(data)]
    yield "<h2>What the scores hold for</h2>\n"
    yield "".join(f"<p>{prose(line)}</p>\n" for line in sentences)
    rows = [
        ("training images", f"split {data['train_split']} of {data['path']}"),
        ("their sha256", data["fingerprint"]),
        ("validation split", data.get("val_split") or "none"),
        ("made with", ", ".join(f"{name} {found}" for name, found in metadata.versions.items())),
    ]
    yield f"<h2>How it was made</h2>\n{table((), rows)}"
    options = [
        (name.replace("_", " "), _shown(value)) for name, value in metadata.arguments.items()
    ]
    if options:
        yield f"<details><summary>All options</summary>\n{table((), options)}</details>\n"


def _shown(value):
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return "none" if value is None else str(value)
