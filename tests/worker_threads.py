"""Workers as threads: each gives its part and gets the sum of all, as real workers do."""

import concurrent.futures
import contextlib
import dataclasses
import functools
import threading

import numpy as np

from keras_crosspool.closed_form.branch import Branch
from keras_crosspool.distribution import Distribution


@dataclasses.dataclass(frozen=True)
class _Thread(Distribution):
    """One of several threads; `all_reduce` adds up what all of them give, as real workers do."""

    given: list = None
    barrier: threading.Barrier = None

    def all_reduce(self, array):
        self.given[self.rank] = np.asarray(array)
        self.barrier.wait()
        total = sum(self.given)
        self.barrier.wait()  # nobody gives anew before all have read
        return total


def run_workers(function, workers):
    """Calls `function(distribution)` once for each of some workers, in threads; all results."""
    given, barrier = [None] * workers, threading.Barrier(workers, timeout=20)
    threads = [_Thread(None, workers, i, "threads", given, barrier) for i in range(workers)]
    with concurrent.futures.ThreadPoolExecutor(workers) as pool, _without_locks():
        return list(pool.map(function, threads))


@contextlib.contextmanager
def _without_locks():
    """Before Python 3.12 a cached property has one lock for all instances: threads would wait."""
    cached = [x for x in vars(Branch).values() if isinstance(x, functools.cached_property)]
    locks = [(x, x.lock) for x in cached if hasattr(x, "lock")]
    for x, _ in locks:
        x.lock = contextlib.nullcontext()
    try:
        yield
    finally:
        for x, lock in locks:
            x.lock = lock
