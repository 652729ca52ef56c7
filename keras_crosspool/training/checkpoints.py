"""Checkpoints of a training run: written whole, checked when read, of one run alone."""

import dataclasses
import hashlib
import json
import pathlib
import re
import shutil

import numpy as np
from absl import logging

from keras_crosspool.files import atomic_path
from keras_crosspool.records import read_record

_RUN_FILE, _LOCK_FILE = "run.json", "lock"
_STATE_FILE, _ARRAYS_FILE = "state.json", "arrays.npz"
_KEPT = 2  # the newest, and the one before it should that be damaged


@dataclasses.dataclass(frozen=True)
class Checkpoint:
    """What a run needs to go on.

    Attributes:
        number: int, its place in the order of the checkpoints of a run.
        arrays: dict, name to `np.ndarray`.
        state: dict, plain data.
    """

    number: int
    arrays: dict
    state: dict


@dataclasses.dataclass(frozen=True)
class _Record:
    """What stands in `state.json`: the digest of arrays and state, and the state."""

    sha256: str
    state: dict


class Checkpoints:
    """The folder in which one training run keeps what it needs to go on after it was stopped.

    A checkpoint is a folder of its own, written under another name and renamed, with the digest of
    what is in it; the two newest are kept. The folder belongs to one run, by the arguments and data
    in its `run.json`, and to one process at a time, by a lock that ends with the process.

    Args:
        directory: path.
        run: dict, plain data that is the same whenever the run is taken up: its arguments and the
            fingerprints of its data.
        writes: bool, whether this process writes; others only read. Defaults to `True`.

    Example:

    >>> with Checkpoints("model.checkpoints", {"seed": 0}) as checkpoints:
    ...     checkpoints.save(7, {"weights": np.ones(2)}, {"epoch": 1})
    ...     newest = checkpoints.newest()
    ...     checkpoints.remove()
    >>> newest.number, newest.arrays["weights"].tolist(), newest.state
    (7, [1.0, 1.0], {'epoch': 1})
    """

    def __init__(self, directory, run, writes=True):
        self.directory = pathlib.Path(directory)
        # What JSON makes of it is what is compared: tuples become lists.
        self._run = json.loads(json.dumps(run))
        self.writes = writes
        self._lock = None

    def __enter__(self):
        """Opens the folder for this run.

        Raises:
            ValueError: if it belongs to another run, or another process trains into it.
            OSError: if it cannot be written.
        """
        if self.writes:
            self.directory.mkdir(parents=True, exist_ok=True)
            self._lock = _locked(self.directory / _LOCK_FILE)
            try:
                self._open()
            except BaseException:
                self.__exit__()
                raise
        return self

    def __exit__(self, *_):
        if self._lock:
            empty = {path.name for path in self.directory.glob("*")} <= {_LOCK_FILE, _RUN_FILE}
            if empty:  # it ended before there was anything to keep
                shutil.rmtree(self.directory, ignore_errors=True)
            self._lock.close()

    def save(self, number, arrays, state):
        """Writes a checkpoint; what another process would write is left to it.

        Args:
            number: int, higher than that of any checkpoint before.
            arrays: dict, name to `np.ndarray`.
            state: dict, plain data.

        Raises:
            OSError: if it cannot be written; the older checkpoints stay as they are.
        """
        if not self.writes:
            return
        try:
            self._write(number, arrays, state)
        except OSError as error:
            raise OSError(
                f"A checkpoint could not be written ({error}); those before it are kept: make room "
                f"and run the same command to go on. Received: {self._path(number)}"
            ) from error
        for old in self._numbers()[:-_KEPT]:
            self._discard(self._path(old))

    def newest(self):
        """The newest whole `Checkpoint`, or `None` without any; damaged ones are logged."""
        for number in reversed(self._numbers()):
            try:
                return self._read(number)
            except (OSError, ValueError) as error:
                logging.warning(
                    "checkpoint %s is damaged (%s); taking the one before it",
                    self._path(number),
                    error,
                )
        return None

    def remove(self):
        """Removes all checkpoints: the run has come to its end."""
        if self.writes:
            for path in filter(pathlib.Path.is_dir, list(self.directory.iterdir())):
                self._discard(path)
            shutil.rmtree(self.directory)

    def _write(self, number, arrays, state):
        with atomic_path(self._path(number)) as path:
            path.mkdir()
            np.savez(path / _ARRAYS_FILE, **arrays)
            digest = _digest(path / _ARRAYS_FILE, state)
            text = json.dumps(dataclasses.asdict(_Record(digest, state)), indent=2)
            (path / _STATE_FILE).write_text(text)

    def _discard(self, path):
        """Removes a folder so that a kill leaves it whole, or out of the way."""
        hidden = self.directory / f".{path.name}.partial"
        path.rename(hidden)
        shutil.rmtree(hidden)

    def _open(self):
        for partial in self.directory.glob(".*.partial*"):  # of a process that was killed
            shutil.rmtree(partial) if partial.is_dir() else partial.unlink()
        path = self.directory / _RUN_FILE
        if not path.exists():
            with atomic_path(path) as partial:
                partial.write_text(json.dumps(self._run, indent=2))
            return
        begun = read_record(dict, path, "restore it, or remove the folder to begin anew")
        differences = [
            f"{key} {begun.get(key)!r}, not {self._run.get(key)!r}"
            for key in begun | self._run
            if begun.get(key) != self._run.get(key)
        ]
        if differences:
            raise ValueError(
                "The checkpoints there are of another run: repeat its flags to go on, name another "
                f"output, or remove the folder to begin anew. Received: {self.directory}, begun "
                f"with {'; '.join(differences)}"
            )

    def _numbers(self):
        names = (
            re.fullmatch(r"step-(\d{8,})", path.name) for path in self.directory.glob("step-*")
        )
        return sorted(int(name[1]) for name in names if name)

    def _path(self, number):
        return self.directory / f"step-{number:08d}"

    def _read(self, number):
        path = self._path(number)
        record = read_record(_Record, path / _STATE_FILE, "it is not what was written")
        if _digest(path / _ARRAYS_FILE, record.state) != record.sha256:
            raise ValueError("it is not what was written")
        with np.load(path / _ARRAYS_FILE) as arrays:
            return Checkpoint(number, dict(arrays), record.state)


def _locked(path):
    """An open file that this process alone holds, until it ends."""
    import fcntl

    file = path.open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        file.close()
        raise ValueError(
            "Another process trains into this output: wait for it, or name another output. "
            f"Received: {path.parent}"
        ) from error
    return file


def _digest(path, state):
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
    digest.update(json.dumps(state).encode())
    return digest.hexdigest()
