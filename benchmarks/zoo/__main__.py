"""All networks, from the classifier to the file: what passes, and the reason of what does not.

Each network is built, its gradient is taken, a small head is solved on real images, saved, loaded
and exported in every format and precision, each file held to the parity that every export is held
to. Networks without weights that come with a package have random ones, whose activations are
brought to an ordinary size (`settled.py`).

Each network runs in a process of its own and has a row of its own in the folder OUTPUT-rows. A run
that was stopped goes on with the networks that have none:

    python -m benchmarks.zoo '--networks=*lite*,mobilenet*,*'
"""

import json
import pathlib

from absl import flags

from keras_crosspool.mains import run

FLAGS = flags.FLAGS
flags.DEFINE_list(
    "networks", ["*"], "Names or patterns of networks, which are run in the order of the patterns."
)
flags.DEFINE_list("formats", ["all"], "all, or a list of NAME or NAME:PRECISION.")
flags.DEFINE_string("data", "data/grocery_mini", "Folder of images: train and test/class/*.jpg.")
flags.DEFINE_integer(
    "image_size",
    None,
    "Side of the images in pixels. Default: 128, and more where a network's last map is small.",
    32,
)
flags.DEFINE_string(
    "output",
    "benchmarks/results/zoo.json",
    "JSON file of the table; NAME_reasons.json beside it tells what did not pass, and why.",
)

_ARGUMENTS = ("networks", "formats", "image_size")


def main(_):
    from benchmarks.machine import library_versions
    from benchmarks.zoo.rows import RowFolder
    from benchmarks.zoo.settings import ZooSettings
    from keras_crosspool.exporting import formats

    chosen = tuple(
        f"{row.name}:{precision}" for row, precision in formats.parse_list(FLAGS.formats)
    )
    settings = ZooSettings(chosen, FLAGS.data, FLAGS.image_size, library_versions())
    networks = _networks(FLAGS.networks)
    output = pathlib.Path(FLAGS.output)
    folder = RowFolder(output.with_name(f"{output.stem}-rows"), settings)
    check_rows_are_there(output, folder)
    run_networks(folder, networks, output)
    print(f"written: {output} and {_reasons_path(output)}")


def check_rows_are_there(output, folder):
    """Refuses to replace a table by one that lacks some of its rows.

    Args:
        output: `pathlib.Path` of the table, which need not be there.
        folder: `RowFolder`.

    Raises:
        ValueError: if the row of a network that the table shows has no file in the folder.
    """
    from benchmarks.zoo.network_row import NOT_RUN_YET

    rows = json.loads(output.read_text())["rows"] if output.is_file() else []
    shown = [row["network"] for row in rows if row["build"] != NOT_RUN_YET]
    lost = [network for network in shown if not folder.row(network).ended]
    if lost:
        raise ValueError(
            "The table has rows whose files are not here: name another --output, or remove the "
            f"table to begin anew. Received: {output} with {', '.join(lost)}"
        )


def run_networks(folder, networks, output):
    """Runs the networks whose row has not ended, and writes both tables after each.

    Args:
        folder: `RowFolder`.
        networks: list of str.
        output: `pathlib.Path` of the table.
    """
    for number, network in enumerate(networks, 1):
        row = folder.row(network)
        if not row.ended:
            row = folder.run(network)
        print(f"{number} of {len(networks)} {row.summary()}", flush=True)
        _write(folder, output)


def _networks(patterns):
    """Networks that fit the patterns, in their order, each once."""
    from keras_crosspool.backbones import list_backbones

    found = {pattern: list_backbones(pattern) for pattern in patterns}
    unknown = [pattern for pattern, names in found.items() if not names]
    if unknown or not found:
        raise ValueError(
            "--networks is a list of names or patterns of "
            f"`keras_crosspool.backbones.list_backbones()`. Received: {', '.join(unknown)}"
        )
    return list(dict.fromkeys(name for names in found.values() for name in names))


def _write(folder, output):
    """Writes both tables, with all networks, those too that were not run yet."""
    from benchmarks.record import write_record
    from benchmarks.zoo.exclusions import exclusions
    from keras_crosspool.backbones import list_backbones

    rows = [folder.row(network) for network in list_backbones()]
    settings = folder.settings
    facts = {
        "data": settings.data,
        "arguments": {name: FLAGS[name].value for name in _ARGUMENTS},
        "versions": settings.versions,
        "not_run_yet": [row.network for row in rows if not row.ended],
        "unproven": exclusions(rows),
    }
    write_record(output, facts | {"rows": [row.table_row(settings.checks) for row in rows]})
    reasons = [reason for row in rows if row.ended for reason in row.reasons()]
    write_record(_reasons_path(output), facts | {"rows": [*facts["unproven"], *reasons]})


def _reasons_path(output):
    return output.with_name(f"{output.stem}_reasons.json")


if __name__ == "__main__":
    run(main, needs="backend")
