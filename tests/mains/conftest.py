"""Shared by the tests of the mains: many runs at once, since each starts TensorFlow anew."""

import os
from concurrent import futures

import pytest


@pytest.fixture(scope="session")
def run_mains(run_main):
    """A function that runs `{case: (module, *arguments)}`, a few at a time: `{case: process}`."""

    def run(cases):
        with futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            running = {case: pool.submit(run_main, *command) for case, command in cases.items()}
        return {case: process.result() for case, process in running.items()}

    return run
