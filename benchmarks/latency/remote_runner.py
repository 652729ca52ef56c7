"""The parent's end of a worker process."""

import contextlib
import multiprocessing
import os
import pathlib
import signal
import subprocess
import sys
import tempfile

_CHECKOUT = pathlib.Path(__file__).parents[2]
_SECONDS_TO_END = 10
_LOG_LINES = 30


class WorkerCrashError(RuntimeError):
    """A worker process ended before it answered."""


class RemoteRunner:
    """A candidate in a process of its own. Started by `with`, ended with it.

    Args:
        candidate: `Candidate`.
        images: path of the `.npy` file with the images.

    Example:

    >>> with RemoteRunner(candidate, "images.npy") as remote:  # doctest: +SKIP
    ...     remote.ask("load")
    ...     nanoseconds = remote.ask("time", [0, 1, 2])
    """

    def __init__(self, candidate, images):
        self.candidate = candidate
        self._images = str(images)

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            self._log = stack.enter_context(tempfile.TemporaryFile())
            self._connection, theirs = multiprocessing.Pipe()
            stack.enter_context(self._connection)
            with theirs:
                self._process = _start(theirs.fileno(), self._log)
            stack.callback(self._end)
            self._stack = stack.pop_all()
        self._send({"candidate": self.candidate, "images": self._images}, "start")
        return self

    def __exit__(self, *_):
        self._stack.close()

    @property
    def pid(self):
        """int, the worker's process id."""
        return self._process.pid

    def ask(self, command, *arguments):
        """Has the worker do something and waits for it.

        Args:
            command: str, a method of `benchmarks.latency.worker.Worker`.
            *arguments: its arguments.

        Returns:
            What the method returns.

        Raises:
            ValueError: if the candidate cannot be loaded.
            WorkerCrashError: if the process ends instead of answering, with its last output.
        """
        self._send((command, arguments), command)
        try:
            error, answer = self._connection.recv()
        except (EOFError, ConnectionError) as lost:
            raise self._crash(command) from lost
        if error:
            raise ValueError(error)
        return answer

    def _send(self, message, command):
        try:
            self._connection.send(message)
        except ConnectionError as lost:
            raise self._crash(command) from lost

    def _crash(self, command):
        status = self._process.wait(_SECONDS_TO_END)
        cause = signal.Signals(-status).name if status < 0 else f"exit code {status}"
        self._log.seek(0)
        lines = self._log.read().decode(errors="replace").splitlines()[-_LOG_LINES:]
        output = "\n".join(lines) or "(nothing)"
        return WorkerCrashError(
            f"The process of {self.candidate.name} ended with {cause} when asked to {command}. "
            f"Its last output:\n{output}"
        )

    def _end(self):
        # A worker ends by itself once the pipe is closed.
        self._connection.close()
        try:
            self._process.wait(_SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _start(descriptor, log):
    paths = [str(_CHECKOUT), os.environ.get("PYTHONPATH", "")]
    environment = {
        "TF_CPP_MIN_LOG_LEVEL": "2",
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
    }
    return subprocess.Popen(
        [sys.executable, "-m", "benchmarks.latency.worker", str(descriptor)],
        pass_fds=[descriptor],
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        env=environment,
    )
