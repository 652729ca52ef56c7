"""Shared by the solver tests: workers that sum over each other, as threads."""

import concurrent.futures
import contextlib
import dataclasses
import functools
import threading

import numpy as np
import pytest

from keras_crosspool.distribution import Distribution
from keras_crosspool.solvers import Branch


@dataclasses.dataclass(frozen=True)
class _Thread(Distribution):
    """One of several threads; `sum` adds up what all of them give, as real workers do."""

    given: list = None
    barrier: threading.Barrier = None

    def sum(self, array):
        self.given[self.worker] = np.asarray(array)
        self.barrier.wait()
        total = sum(self.given)
        self.barrier.wait()  # nobody gives anew before all have read
        return total


@pytest.fixture
def run_workers(monkeypatch):
    """A function that calls `function(distribution)` once for each of some workers, in threads."""
    for cached in vars(Branch).values():
        if isinstance(cached, functools.cached_property):
            # Before Python 3.12 one lock for all instances, on which the threads would wait.
            monkeypatch.setattr(cached, "lock", contextlib.nullcontext(), raising=False)

    def run(function, workers):
        given, barrier = [None] * workers, threading.Barrier(workers, timeout=20)
        threads = [_Thread("threads", None, workers, i, given, barrier) for i in range(workers)]
        with concurrent.futures.ThreadPoolExecutor(workers) as pool:
            return list(pool.map(function, threads))

    return run
