"""Checkpoints of a training run: written whole, checked when read, of one run alone."""

import dataclasses
import hashlib
import json
import os
import pathlib
import re

import numpy as np
from absl import logging

from keras_crosspool.files import atomic_path, make_directory, remove_if_empty
from keras_crosspool.models.directory import METADATA_FILE, MODEL_FILE
from keras_crosspool.owned_directory import OwnedDirectory, free_name
from keras_crosspool.partials import is_partial, partial_path
from keras_crosspool.records import read_record

_RUN_FILE, _LOCK_FILE = "run.json", "lock"
_STATE_FILE, _ARRAYS_FILE = "state.json", "arrays.npz"
_STEP = re.compile(r"step-\d{8,}")
_SOLVED = "solved"
# What we write into its folders where there is no manifest that says so.
_FILES = (_STATE_FILE, _ARRAYS_FILE, MODEL_FILE, METADATA_FILE)
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
    in its `run.json`, and to one process at a time, by a lock that ends with the process. A run
    that has kept nothing yet gives it to any other. Files of the user's in it are never changed,
    nor is a link in its place.

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
        self.solved = self.directory / _SOLVED
        # What JSON makes of it is what is compared: tuples become lists.
        self._run = json.loads(json.dumps(run))
        self.writes = writes
        self._lock = None

    def __enter__(self):
        """Opens the folder for this run.

        Raises:
            ValueError: if it belongs to another run or to no run, or another process trains into
                it.
            OSError: if it cannot be written.
        """
        if self.writes:
            make_directory(self.directory)
            was_there = (self.directory / _LOCK_FILE).exists()
            self._lock = _locked(self.directory / _LOCK_FILE)
            try:
                self._open()
            except BaseException:
                if not was_there:
                    self._remove_lock()
                self._lock.close()
                raise
        return self

    def __exit__(self, *_):
        if self._lock:
            if not self._folders():  # it ended before there was anything to keep
                self.remove()
            else:
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
        for old in filter(pathlib.Path.is_dir, map(self._path, self._numbers()[:-_KEPT])):
            self._discard(old)

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
            for path in self._folders():
                self._discard(path)
            (self.directory / _RUN_FILE).unlink(missing_ok=True)
            self._remove_lock()
            self._lock.close()
            self._lock = None  # another run may have the folder from now on

    def _write(self, number, arrays, state):
        if self._path(number).is_dir():  # it is damaged, or of the step that is taken up
            self._discard(self._path(number))
        with atomic_path(self._path(number)) as path:
            path.mkdir()
            np.savez(path / _ARRAYS_FILE, **arrays)
            digest = _digest(path / _ARRAYS_FILE, state)
            text = json.dumps(dataclasses.asdict(_Record(digest, state)), indent=2)
            (path / _STATE_FILE).write_text(text)

    def _folders(self):
        """The folders of ours, oldest first."""
        found = self.directory.iterdir() if self.directory.is_dir() else ()
        ours = (path for path in found if _STEP.fullmatch(path.name) or path == self.solved)
        return sorted(filter(pathlib.Path.is_dir, ours))

    def _discard(self, path):
        """Removes a folder so that a kill leaves it whole, or out of the way."""
        hidden = partial_path(path)
        path.rename(hidden)
        self._remove_ours(hidden)

    def _remove_ours(self, path):
        """Removes a half-written file or folder; a folder that is not ours alone is kept."""
        if not path.is_dir():
            path.unlink()
            return
        OwnedDirectory(path, _FILES).remove()
        if path.exists():
            kept = free_name(self.directory / path.name.split(".")[1])
            path.rename(kept)
            logging.warning("%s holds files that are not of this program: they are kept", kept)

    def _remove_lock(self):
        """Removes our lock, and the folder if nothing else is in it."""
        if os.fstat(self._lock.fileno()).st_size == 0:  # as ours is
            (self.directory / _LOCK_FILE).unlink(missing_ok=True)
        if not self.directory.is_symlink():
            remove_if_empty(self.directory)

    def _open(self):
        for path in filter(is_partial, list(self.directory.iterdir())):
            self._remove_ours(path)  # the lock is ours: nobody writes it
        begun, kept = self._begun(), self._folders()
        if begun is None and kept:
            raise ValueError(
                "The folder for checkpoints holds something else under the names that they need: "
                "move that, or name another output. "
                f"Received: {', '.join(map(str, kept))}, and no {_RUN_FILE}"
            )
        if begun is not None and (kept or begun.keys() != self._run.keys()):
            self._check_run(begun)
            return
        with atomic_path(self.directory / _RUN_FILE) as partial:
            partial.write_text(json.dumps(self._run, indent=2))

    def _begun(self):
        """The run that the folder belongs to, a dict, or `None`."""
        path = self.directory / _RUN_FILE
        if not path.exists():
            return None
        return read_record(dict, path, "restore it, or remove the folder to start again")

    def _check_run(self, begun):
        differences = [
            f"{key} {begun.get(key)!r}, not {self._run.get(key)!r}"
            for key in begun | self._run
            if begun.get(key) != self._run.get(key)
        ]
        if differences:
            raise ValueError(
                "The checkpoints there are of another run: repeat its flags to go on, name another "
                f"output, or remove the folder to start again. Received: {self.directory}, begun "
                f"with {'; '.join(differences)}"
            )

    def _numbers(self):
        names = (path.name for path in self.directory.glob("step-*"))
        return sorted(int(name[5:]) for name in names if _STEP.fullmatch(name))

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

    file = path.open("a")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        file.close()
        raise ValueError(
            "Another process trains into this output: wait for it, or name another output. "
            f"Received: {path.parent}"
        ) from error
    if not path.exists() or not os.path.samestat(os.fstat(file.fileno()), path.stat()):
        file.close()  # its last holder removed it
        return _locked(path)
    return file


def _digest(path, state):
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
    digest.update(json.dumps(state).encode())
    return digest.hexdigest()
