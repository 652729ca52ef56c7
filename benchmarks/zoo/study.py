"""The study of all networks: which are run, and what is written after each."""

import json

from benchmarks.record import write_record
from benchmarks.zoo.exclusions import exclusions
from benchmarks.zoo.network_row import NOT_RUN_YET
from keras_crosspool.backbones import list_backbones


def check_rows_are_there(output, folder):
    """Refuses to replace a table by one that lacks some of its rows.

    Args:
        output: `pathlib.Path` of the table, which need not be there.
        folder: `RowFolder`.

    Raises:
        ValueError: if the row of a network that the table shows has no file in the folder.
    """
    rows = json.loads(output.read_text())["rows"] if output.is_file() else []
    shown = [row["network"] for row in rows if row["build"] != NOT_RUN_YET]
    lost = [network for network in shown if not folder.row(network).ended]
    if lost:
        raise ValueError(
            "The table has rows whose files are not here: name another --output, or remove the "
            f"table to begin anew. Received: {output} with {', '.join(lost)}"
        )


def run_networks(folder, networks, output, arguments):
    """Runs the networks whose row has not ended, and writes both tables after each.

    Args:
        folder: `RowFolder`.
        networks: list of str.
        output: `pathlib.Path` of the table.
        arguments: dict, what the study was asked for, for the record.
    """
    for number, network in enumerate(networks, 1):
        row = folder.row(network)
        if not row.ended:
            row = folder.run(network)
        print(f"{number} of {len(networks)} {row.summary()}", flush=True)
        _write(folder, output, arguments)


def _write(folder, output, arguments):
    """Writes both tables, with all networks, those too that were not run yet."""
    rows = [folder.row(network) for network in list_backbones()]
    settings = folder.settings
    facts = {
        "data": settings.data,
        "arguments": arguments,
        "versions": settings.versions,
        "not_run_yet": [row.network for row in rows if not row.ended],
        "unproven": exclusions(rows),
    }
    write_record(output, facts | {"rows": [row.table_row(settings.checks) for row in rows]})
    reasons = [reason for row in rows if row.ended for reason in row.reasons()]
    write_record(reasons_path(output), facts | {"rows": [*facts["unproven"], *reasons]})


def reasons_path(output):
    """The path of the table of reasons, beside that of the networks."""
    return output.with_name(f"{output.stem}_reasons.json")
