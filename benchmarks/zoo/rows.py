"""The rows that are there already, a file each, and the processes that make the others."""

import dataclasses
import pathlib
import signal
import subprocess
import sys

from benchmarks.zoo.network_row import NetworkRow
from benchmarks.zoo.settings import ZooSettings
from keras_crosspool.records import read_record, write_json

_ADVICE = "remove it, and its network is run again"
_WORKER = (sys.executable, "-m", "benchmarks.zoo.worker")


class RowFolder:
    """A folder with a file for each network, and the settings that hold for all of them.

    A network whose row has ended is not run again. One that was stopped begins anew.

    Args:
        path: `pathlib.Path` of the folder.
        settings: `ZooSettings`. Defaults to those that the folder was begun with.
        command: tuple of str, the process that makes a row; the name of the network and the path
            of the folder follow. Defaults to `benchmarks.zoo.worker`.

    Raises:
        ValueError: if the rows in the folder were made with other settings.
    """

    def __init__(self, path, settings=None, command=_WORKER):
        self._path = pathlib.Path(path)
        self._command = command
        file = self._path / "settings.json"
        if file.is_file():
            self.settings = read_record(ZooSettings, file, "remove the folder")
            self._refuse_others(settings)
        else:
            self.settings = settings
            self._path.mkdir(parents=True, exist_ok=True)
            write_json(file, dataclasses.asdict(settings))

    def row(self, network):
        """The `NetworkRow` of a network as far as it is known."""
        path = self._file(network)
        return read_record(NetworkRow, path, _ADVICE) if path.is_file() else NetworkRow(network)

    def write(self, row):
        """Writes a `NetworkRow` in place of the one before."""
        write_json(self._file(row.network), dataclasses.asdict(row))

    def run(self, network):
        """Makes the row of a network in a process of its own.

        Args:
            network: str.

        Returns:
            `NetworkRow` that has ended. Where the process ended before it, the check that it was
            at has failed.
        """
        self._file(network).unlink(missing_ok=True)
        log = self._path / f"{network}.log"
        with log.open("w") as file:
            done = subprocess.run(
                [*self._command, network, str(self._path)],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                check=False,
            )
        row = self.row(network)
        if not row.ended:
            row = row.without_ending(self.settings.checks, _ending(done.returncode, log))
            self.write(row)
        return row

    def _file(self, network):
        return self._path / f"{network}.json"

    def _refuse_others(self, settings):
        if settings in (None, self.settings):
            return
        pairs = {
            field.name: (getattr(settings, field.name), getattr(self.settings, field.name))
            for field in dataclasses.fields(settings)
        }
        differing = [f"{name} {new}, not {old}" for name, (new, old) in pairs.items() if new != old]
        raise ValueError(
            "The rows that are there were made with other settings: name another --output, or "
            f"remove the folder {self._path}. Received: {'; '.join(differing)}"
        )


def _ending(code, log):
    """How a process ended, with the line that says so, or else the last one."""
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    how = f"with {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"
    told = [line for line in lines if line.startswith("Timeout")] or lines
    return f"The process ended {how}" + (f": {told[-1]}" if told else "")
