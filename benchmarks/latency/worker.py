"""The worker process: loads one candidate and obeys the parent through a pipe.

Started by `RemoteRunner`, with the number of an inherited file descriptor as its argument.
"""

import contextlib
import hashlib
import importlib
import sys
import time
from multiprocessing.connection import Connection

import numpy as np

from benchmarks.latency.statistics import has_settled
from benchmarks.machine import memory_bytes

_MOST_WARM_UP = 100
_SCORING_BATCH = 16


class Worker:
    """What a worker process can be asked; each public method is a command.

    Args:
        candidate: `Candidate`.
        images: path of a `.npy` file, uint8 `(n, height, width, 3)`, the same for all workers.
    """

    def __init__(self, candidate, images):
        self._candidate = candidate
        self._images = images
        self._runner = None
        self._stack = contextlib.ExitStack()

    def load(self):
        """Imports the runtime and loads the model.

        Returns:
            dict with `base_bytes`, resident before it, `import_seconds` and `load_seconds`.
        """
        base_bytes = memory_bytes("VmRSS")
        start = time.perf_counter()
        if self._candidate.module:
            importlib.import_module(self._candidate.module)
        imported = time.perf_counter()
        self._runner = self._stack.enter_context(_make_runner(self._candidate))
        return {
            "base_bytes": base_bytes,
            "import_seconds": imported - start,
            "load_seconds": time.perf_counter() - imported,
        }

    def time(self, indices):
        """Runs images one at a time; nanoseconds of each, reading the image apart."""
        nanoseconds = []
        for index in indices:
            image = self._read(index).astype("float32")[None]
            start = time.perf_counter_ns()
            self._runner.run(image)
            nanoseconds.append(time.perf_counter_ns() - start)
        return nanoseconds

    def warm_up(self, indices):
        """Runs images until the times have settled or 100 were run; nanoseconds of each."""
        nanoseconds = []
        while len(nanoseconds) < _MOST_WARM_UP and not has_settled(nanoseconds):
            nanoseconds += self.time([indices[len(nanoseconds) % len(indices)]])
        return nanoseconds

    def peak_bytes(self):
        """The most memory that was resident so far."""
        return memory_bytes("VmHWM")

    def score(self):
        """Runs all images.

        Returns:
            dict with `scores`, `(n, classes)`, whether they are probabilities, and
            `pixels_sha256` of the images as this process read them.
        """
        digest, scores = hashlib.sha256(), []
        count = len(np.load(self._images, mmap_mode="r"))
        size = self._runner.batch_size or _SCORING_BATCH
        for first in range(0, count, size):
            pixels = self._read(slice(first, first + size))
            digest.update(pixels.tobytes())
            scores.append(self._runner.run(pixels))
        return {
            "scores": np.concatenate(scores),
            "are_probabilities": self._runner.gives_probabilities,
            "pixels_sha256": digest.hexdigest(),
        }

    def close(self):
        """Lets go of the model."""
        self._stack.close()

    def _read(self, index):
        # Mapped anew and copied, so that the file's pages do not count as the runtime's memory.
        return np.array(np.load(self._images, mmap_mode="r")[index])


def _make_runner(candidate):
    if candidate.keras_call == "eager":
        from benchmarks.latency.eager_runner import EagerRunner

        return EagerRunner(candidate.path)
    from keras_crosspool.exporting.runners import open_runner

    options = {} if candidate.threads is None else {"num_threads": candidate.threads}
    return open_runner(candidate.path, **options)


def serve(connection):
    """Answers commands until the parent is gone.

    The user's errors, in loading, are sent back; any other ends the process with its traceback.
    """
    worker = Worker(**connection.recv())
    with contextlib.closing(worker):
        while True:
            try:
                command, arguments = connection.recv()
            except EOFError:
                return
            try:
                answer = getattr(worker, command)(*arguments)
            except (ValueError, OSError, ImportError) as error:
                if command != "load":
                    raise
                connection.send((str(error), None))
            else:
                connection.send((None, answer))


if __name__ == "__main__":
    serve(Connection(int(sys.argv[1])))
