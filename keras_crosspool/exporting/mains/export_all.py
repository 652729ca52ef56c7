"""Exports a model directory in every format that this machine can make, all proven alike.

    crosspool export --model=DIR --output=DIR --formats=tflite:int8,onnx

A format that fails leaves no file and does not stop the others; the exit code is 1 and the reasons
stand at the end.
"""

import dataclasses
import json
import pathlib
import sys

from absl import flags

from keras_crosspool.exporting import flags as export_flags
from keras_crosspool.exporting import formats
from keras_crosspool.exporting.artefact import sidecar_path
from keras_crosspool.exporting.exporter_main import make_comparator, quieten_logs
from keras_crosspool.files import atomic_path
from keras_crosspool.mains import run
from keras_crosspool.progress import track

# What fits one format of those that all make, such as a cache of the ranges of one method.
_SINGLE = ("calibration_cache", "int8_io", "timing_cache", "triton")
_OPTIONS = {
    option.name: option
    for row in formats.FORMATS
    for option in row.options
    if option.name not in _SINGLE
}
_COLUMNS = (
    "file",
    "MB",
    "cosine worst",
    "median",
    "difference",
    "in float16",
    "agreement",
    "score",
    "state",
)

export_flags.define_common()
export_flags.define_options(_OPTIONS.values())
flags.DEFINE_string("output", None, "Directory to write the artefacts to.", required=True)
flags.DEFINE_list(
    "formats",
    ["all"],
    "all, or a list of NAME or NAME:PRECISION: "
    + "; ".join(f"{row.name} ({', '.join(row.precisions)})" for row in formats.FORMATS)
    + ".",
)
flags.adopt_module_key_flags(export_flags)
FLAGS = flags.FLAGS


def main(_):
    quieten_logs()
    chosen = formats.parse_list(FLAGS.formats)
    output = pathlib.Path(FLAGS.output)
    if output.exists() and not output.is_dir():
        raise ValueError(f"--output must be a directory. Received: {output}")
    _refuse_foreign_summary(output / "export.json")

    from keras_crosspool.exporting.source import load_source

    config = export_flags.parity_config()
    source = load_source(config.model, config.image_options(), config.descriptor)
    comparator = make_comparator(source, config)
    results = [
        _export(source, comparator, output, row, precision)
        for row, precision in track(chosen, "exporting")
    ]
    with atomic_path(output / "export.json") as file:
        file.write_text(json.dumps([dataclasses.asdict(result) for result in results], indent=2))
    _print_table(results)
    reasons = [f"  {result.file}: {result.reason}" for result in results if result.reason]
    if reasons:
        print("\n".join([f"{len(reasons)} of {len(results)} not made:", *reasons]), file=sys.stderr)
    if any(result.state == "failed" for result in results):
        sys.exit(1)


def _refuse_foreign(path):
    """Refuses to replace a file that has no record beside it: no export wrote it."""
    if path.exists() and not sidecar_path(path).is_file():
        raise ValueError(
            "A file of this name that no export wrote is in the way: move it, or name another "
            f"output. Received: {path}"
        )


def _refuse_foreign_summary(path):
    if not path.exists():
        return
    try:
        known = all("file" in row and "state" in row for row in json.loads(path.read_bytes()))
    except (ValueError, TypeError, RecursionError):
        known = False
    if not known:
        raise ValueError(
            "export.json in the output is of something else: move it, or name another output. "
            f"Received: {path}"
        )


@dataclasses.dataclass(frozen=True)
class _Result:
    """What became of one format: its record, or why there is none."""

    file: str
    state: str
    record: dict | None = None
    reason: str | None = None


def _export(source, comparator, output, row, precision):
    from keras_crosspool.exporting.parity import ParityError
    from keras_crosspool.exporting.speed import SlowerError

    file = f"model-{precision}{row.suffix}"
    names = {option.name for option in row.options_of(precision)} & set(_OPTIONS)
    options = {name: FLAGS[name].value for name in names}
    try:
        row.check_installed()
        _refuse_foreign(output / file)
        export = formats.resolve(row.exporter)
        artefact = export(source, output / file, precision, comparator, **options)
    except ImportError as error:
        # `all` means what this machine can make; what was asked for by name has to be made.
        return _Result(file, "left out" if FLAGS.formats == ["all"] else "failed", None, str(error))
    except (ParityError, SlowerError, ValueError) as error:
        return _Result(file, "failed", None, str(error))
    record = dataclasses.asdict(artefact)
    state = artefact.details.get("engine_state", f"parity {artefact.parity['status']}")
    return _Result(file, state, record)


def _print_table(results):
    rows = [_COLUMNS, *map(_row, results)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print("  ".join(cells).rstrip())


def _row(result):
    if result.record is None:
        return (result.file, *["-"] * (len(_COLUMNS) - 2), result.state)
    size = f"{result.record['bytes'] / 1e6:.2f}"
    parity = result.record["parity"]
    if parity["status"] == "off":
        return (result.file, size, *["-"] * (len(_COLUMNS) - 3), result.state)
    float16 = parity["float16_arithmetic"]
    return (
        result.file,
        size,
        f"{parity['cosine']['worst']:.5f}",
        f"{parity['cosine']['median']:.5f}",
        f"{parity['max_abs_of_range']:.2%}",
        f"{float16['max_abs_of_range']:.2%}" if float16 else "-",
        f"{parity['agreement']:.1%}",
        f"{parity['score']:.1%}",
        result.state,
    )


if __name__ == "__main__":
    run(main, needs="backend")
