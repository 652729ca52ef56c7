"""Shared by the tests of the mains: a few runs at once."""

import functools
import os
from concurrent import futures

import pytest


@pytest.fixture(scope="session")
def run_mains(run_main):
    """A function that runs `{case: (module, *arguments)}`, a few at a time: `{case: process}`.

    Each run starts TensorFlow anew.
    """
    return functools.partial(_run_all, run_main)


@pytest.fixture(scope="session")
def fork_mains(fork_main):
    """A function like `run_mains` whose runs start where Keras is imported."""
    return functools.partial(_run_all, fork_main)


def _run_all(run, cases, **options):
    with futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        running = {case: pool.submit(run, *command, **options) for case, command in cases.items()}
    return {case: process.result() for case, process in running.items()}
