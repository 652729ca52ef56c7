"""The process that makes one row: goes through the checks and writes the row after each.

Started by `RowFolder`, with the name of a network and the path of the folder.
"""

import faulthandler
import os
import sys
import time
import traceback

from benchmarks.machine import memory_bytes
from benchmarks.zoo.network_row import FAILED, NOT_TRIED, PASSED, Cell
from benchmarks.zoo.rows import RowFolder

_MOST_SECONDS = 3600  # of one check
_MOST_SHOWN = 700  # characters of a reason


def run_checks(network, row, checks, write, seconds=_MOST_SECONDS):
    """Goes through all checks of a network.

    Args:
        network: `ZooNetwork`.
        row: `NetworkRow` without cells.
        checks: tuple of str.
        write: function of a `NetworkRow`, called after each check.
        seconds: float, after which the process of a check that has not ended does. Defaults to
            one hour.

    Returns:
        `NetworkRow` that has ended.
    """
    start, parent = time.perf_counter(), os.getppid()
    for check in checks:
        if os.getppid() != parent:
            sys.exit("the run that started this process is gone")
        # A check without an end ends the process, after lines that say where it was.
        faulthandler.dump_traceback_later(seconds, exit=True)
        row = row.with_cell(
            check,
            _cell(network, check, row.cells),
            **network.facts(),
            seconds=time.perf_counter() - start,
            peak_bytes=memory_bytes("VmHWM"),
            ended=check == checks[-1],
        )
        write(row)
    faulthandler.cancel_dump_traceback_later()
    return row


def _cell(network, check, cells):
    """What becomes of a check; a fault of any kind is what the table is to show."""
    needed = network.needs(check)
    if needed and cells[needed].verdict != PASSED:
        return Cell(NOT_TRIED, f"{needed} {cells[needed].verdict}")
    try:
        return Cell(network.check(check))
    except ImportError as error:
        return Cell(NOT_TRIED, _words(error))
    except Exception as error:
        traceback.print_exc()
        return Cell(FAILED, _words(error))


def _words(error):
    from keras_crosspool.exporting.parity import ParityError
    from keras_crosspool.text import shortened

    in_words = type(error) in (ValueError, ImportError, ParityError)
    text = str(error) if in_words else f"{type(error).__name__}: {error}"
    return shortened(" ".join(text.split()), _MOST_SHOWN)


def main(name, path):
    """Makes the row of a network; see above."""
    from benchmarks.zoo.zoo_network import ZooNetwork
    from keras_crosspool.environment import prepare_keras
    from keras_crosspool.exporting.exporter_main import quieten_logs

    quieten_logs()
    prepare_keras("backend")
    folder = RowFolder(path)
    network = ZooNetwork(name, folder.settings)
    run_checks(network, folder.row(name), folder.settings.checks, folder.write)


if __name__ == "__main__":
    main(*sys.argv[1:])
