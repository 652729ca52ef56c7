"""Training runs as processes that can be hurt, and what they leave on disk."""

import dataclasses
import io
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time
import zipfile

import numpy as np

_LIMIT_SECONDS = 900  # for anything that is waited for: nothing may hang
_TRAIN, _LAUNCH = "keras_crosspool.train", "keras_crosspool.launch"
_MEMBER = "model.weights.h5"


@dataclasses.dataclass(frozen=True)
class Ended:
    """How a process ended.

    Attributes:
        code: int, exit code; minus the signal that ended it.
        line: str, the error it printed, or else its last line.
        text: str, all that it printed.
    """

    code: int
    line: str
    text: str


class TrainingProcess:
    """`keras_crosspool.train`, or its launcher, in a process of its own.

    Args:
        flags: list of str.
        log: path of the file that takes what it prints.
        workers: int, to start through the launcher; `None`, the default, starts training itself.
        start: function of a module, its arguments and an open file for its output, which starts
            it. Defaults to `start_process`.
    """

    def __init__(self, flags, log, workers=None, start=None):
        self._log = pathlib.Path(log)
        launcher = [_LAUNCH, f"--workers={workers}", "--"] if workers else [_TRAIN]
        with self._log.open("w") as file:
            self._process = (start or start_process)(*launcher, *flags, file=file)
        self.pid = self._process.pid

    @property
    def text(self):
        """What it has printed so far."""
        return self._log.read_text(errors="replace")

    def wait_for(self, condition, seconds=_LIMIT_SECONDS):
        """Waits until a function without arguments gives something true, and gives that.

        Raises:
            RuntimeError: if the process ends before, or it takes too long.
        """
        deadline = time.monotonic() + seconds
        while not (found := condition()):
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise RuntimeError(
                    "The run was to reach a point that it did not. Received: exit code "
                    f"{self._process.wait()}, {_last_line(self.text)}"
                )
            time.sleep(0.002)
        return found

    def signal(self, number):
        """Sends a signal."""
        self._process.send_signal(number)

    def kill(self):
        """Ends it at once, if it has not ended."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def ended(self, seconds=_LIMIT_SECONDS):
        """Waits for its end; an `Ended`.

        Raises:
            subprocess.TimeoutExpired: if it takes too long; the process is killed.
        """
        try:
            code = self._process.wait(seconds)
        finally:
            self.kill()
        return Ended(code, _last_line(self.text), self.text)


def start_process(module, *arguments, file):
    """Starts `python -m MODULE ARGUMENTS` as a user does; a `subprocess.Popen`."""
    return subprocess.Popen(
        # Unbuffered, so that the launcher's lines are in the log as they come.
        [sys.executable, "-u", "-m", module, *arguments],
        stdout=file,
        stderr=subprocess.STDOUT,
        env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "2"},
    )


class RunFolder:
    """The output of a run and its checkpoints.

    Args:
        output: path of the model directory.
    """

    def __init__(self, output):
        self.output = pathlib.Path(output)
        self.checkpoints = self.output.with_name(f"{self.output.name}.checkpoints")

    def copy_checkpoints(self, target):
        """A `RunFolder` at another path that starts from these checkpoints."""
        copy = RunFolder(target)
        shutil.copytree(self.checkpoints, copy.checkpoints)
        return copy

    @property
    def steps(self):
        """Numbers of the checkpoints that stand under their final names, in order."""
        return sorted(int(path.name[5:]) for path in self.checkpoints.glob("step-*"))

    def step(self, number):
        """The path of a checkpoint."""
        return self.checkpoints / f"step-{number:08d}"

    def partial(self):
        """Whether a checkpoint is being written."""
        return any(self.checkpoints.glob(".step-*.*.partial"))

    def rewrite_run(self, **changes):
        """Makes the checkpoints those of a run with other arguments."""
        path = self.checkpoints / "run.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))

    def flaws(self):
        """What stands under a final name and is not whole: a list of words, by file."""
        found = []
        for number in self.steps:
            found += _flaw(self.step(number), _check_checkpoint)
        for directory in (self.checkpoints / "solved", self.output):
            if directory.is_dir():
                found += _flaw(directory, _check_model)
        return found


def weights(directory):
    """The weights of a model directory, name to `np.ndarray`, as its file holds them."""
    import h5py  # comes with Keras

    found = {}

    def take(name, item):
        if isinstance(item, h5py.Dataset):
            found[name] = item[()]

    with zipfile.ZipFile(pathlib.Path(directory) / "model.keras") as archive:
        content = io.BytesIO(archive.read(_MEMBER))
    with h5py.File(content, "r") as file:
        file.visititems(take)
    return found


def relative_difference(first, second):
    """How far apart the weights of two model directories are: the norm of the difference over that
    of the first; zero only if they are equal bit for bit."""
    first, second = weights(first), weights(second)
    if first.keys() != second.keys():
        raise ValueError(
            "Expected two models of the same layers. Received: weights that only one has: "
            f"{', '.join(sorted(first.keys() ^ second.keys()))}"
        )
    squares = sum(np.sum((first[x].astype("float64") - second[x]) ** 2) for x in first)
    return float(np.sqrt(squares / sum(np.sum(first[x].astype("float64") ** 2) for x in first)))


def kill_at(process, condition, number=signal.SIGKILL):
    """Sends a signal as soon as a condition holds; how the process ended."""
    process.wait_for(condition)
    process.signal(number)
    return process.ended()


def _last_line(text):
    lines = [line for line in text.replace("\r", "\n").splitlines() if line.strip()]
    errors = [line for line in lines if "error: " in line]
    return (errors or lines or [""])[-1]


def _flaw(directory, check):
    try:
        check(directory)
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        return [f"{directory.name}: {error}"]
    return []


def _check_checkpoint(directory):
    json.loads((directory / "state.json").read_text())
    with np.load(directory / "arrays.npz") as arrays:
        for name in arrays:
            arrays[name]  # read whole, with its checksum


def _check_model(directory):
    json.loads((directory / "model.json").read_text())
    with zipfile.ZipFile(directory / "model.keras") as archive:
        if archive.testzip():
            raise ValueError("checksum in model.keras")
    weights(directory)
    for path in directory.glob("plots/*.png"):
        if not path.read_bytes().endswith(b"IEND\xaeB`\x82"):
            raise ValueError(f"end of {path.name}")
