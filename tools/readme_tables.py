"""Writes the tables of README.md and docs/ from the files in benchmarks/results/.

Between `<!-- begin NAME -->` and `<!-- end NAME -->` stands the table of
benchmarks/results/NAME.json: a latency result, a list of rows, or an object with `rows`. Three
names are special: `formats` is the table that the exporters themselves read, `presets` that of the
presets, and `summary` takes the main scores from several accuracy results.

    python -m tools.readme_tables
    python -m tools.readme_tables --check
"""

import json
import pathlib
import re
import sys

from absl import flags

from keras_crosspool.mains import run

FLAGS = flags.FLAGS
flags.DEFINE_list(
    "pages",
    [
        "README.md",
        "docs/accuracy.md",
        "docs/export.md",
        "docs/photographs.md",
        "docs/reliability.md",
        "docs/results.md",
        "docs/runtimes.md",
        "docs/zoo.md",
    ],
    "Files whose tables are written.",
)
flags.DEFINE_string("results", "benchmarks/results", "Folder of the JSON files.")
flags.DEFINE_bool("check", False, "Write nothing; fail if a table is not that of its results.")

# Results file and score of each row of the summary, and its columns.
_SUMMARY_SCORES = (
    ("accuracy", "accuracy"),
    ("accuracy", "coarse accuracy"),
    ("accuracy_grocery_store", "accuracy"),
    ("accuracy_montages", "mean average precision"),
    ("accuracy_montages", "mean f1"),
)
_SUMMARY_MODELS = ("global average", "scheme 1", "scheme 2", "both")

_MARKER = re.compile(r"<!-- (begin|end) (\S+) -->")
_BLOCK = re.compile(r"(<!-- begin (\S+) -->\n).*?(<!-- end \2 -->)", re.DOTALL)


def main(_):
    for page in map(pathlib.Path, FLAGS.pages):
        if not page.is_file():
            raise ValueError(f"--pages must be files. Received: {page}")
        _update(page)


def _update(page):
    from keras_crosspool.files import atomic_path

    text = page.read_text()
    updated = fill_tables(text, FLAGS.results)
    if not FLAGS.check:
        with atomic_path(page) as path:
            path.write_text(updated)
    elif updated != text:
        names = ", ".join(_stale(text, updated))
        sys.exit(f"error: tables of {page} are not their results: {names}. Run "
                 "`python -m tools.readme_tables`.")  # fmt: skip


def fill_tables(text, results):
    """Puts the tables of results between their markers.

    Args:
        text: str, Markdown with markers.
        results: path of the folder with the JSON files.

    Returns:
        str.

    Raises:
        ValueError: if markers do not pair, or a result is missing or no table.
    """
    _check_markers(text)
    return _BLOCK.sub(lambda match: f"{match[1]}{_table(match[2], results)}{match[3]}", text)


def _table(name, results):
    from keras_crosspool.exporting.formats import markdown_table

    if name == "formats":
        return f"{markdown_table()}\n"
    if name == "presets":
        return _presets()
    if name == "summary":
        return _summary(pathlib.Path(results))
    return render(pathlib.Path(results) / f"{name}.json")


def _presets():
    """What each preset stands for."""
    from benchmarks.table import rows_table
    from keras_crosspool.models.presets import PRESETS, list_models

    return rows_table([_preset_row(name, PRESETS[name]) for name in list_models()])


def _preset_row(name, preset):
    return {
        "preset": f"`{name}`",
        "backbone": preset.backbone,
        "image size": preset.image_size,
        "scheme": preset.scheme,
        "values": preset.values,
        "parameters": preset.parameters,
    }


def _summary(results):
    """The main scores of the accuracy results: a row a score, a column a model."""
    from benchmarks.table import rows_table

    return rows_table([_summary_row(results / f"{name}.json", x) for name, x in _SUMMARY_SCORES])


def _summary_row(path, score):
    record = _read(path)
    scores = {model: _find_score(path, record["rows"], model, score) for model in _SUMMARY_MODELS}
    return {"data set": record["data"], "score": score} | scores


def _find_score(path, rows, model, score):
    """The score of the row of a model, or of its row without cropped and mirrored views."""
    named = [row for row in rows if row["model"] == model]
    whole = [row for row in rows if row["model"].startswith(f"{model} (whole ")]
    for row in (*named, *whole):
        for key, value in row.items():
            if key.replace("_", " ") == score:
                return value
    raise ValueError(f"The summary needs {score} of {model}. Received: no such row in {path}")


def _read(path):
    if not path.is_file():
        raise ValueError(f"A table has no results; run its benchmark. Received: no file {path}")
    return json.loads(path.read_text())


def render(path):
    """The table of one results file.

    Args:
        path: `pathlib.Path` of a JSON file.

    Returns:
        str, Markdown that ends in a line break.

    Raises:
        ValueError: if the file is missing or holds no rows.
    """
    from benchmarks.machine import machine_line
    from benchmarks.table import latency_section, rows_table

    record = _read(path)
    if isinstance(record, dict) and "runtimes" in record:
        return latency_section(record)
    rows = record.get("rows") if isinstance(record, dict) else record
    if not rows or not all(isinstance(row, dict) for row in rows):
        raise ValueError(f"Expected a list of rows, each an object. Received: {path}")
    if isinstance(record, dict) and "machine" in record:
        where = [*filter(None, [record.get("data")]), machine_line(record["machine"])]
        return f"{rows_table(rows)}\n{'; '.join(where)}.\n"
    return rows_table(rows)


def _check_markers(text):
    markers = _MARKER.findall(text)
    begins, ends = markers[::2], markers[1::2]
    names = [name for _, name in begins]
    paired = begins == [("begin", name) for name in names]
    if not paired or ends != [("end", name) for name in names]:
        raise ValueError(
            "Markers must come in pairs, <!-- begin NAME --> and <!-- end NAME -->. Received: "
            f"{', '.join(' '.join(marker) for marker in markers)}"
        )


def _stale(text, updated):
    """Names of the blocks that differ."""
    pairs = zip(_BLOCK.finditer(text), _BLOCK.finditer(updated), strict=True)
    return [old[2] for old, new in pairs if old[0] != new[0]]


if __name__ == "__main__":
    run(main)
