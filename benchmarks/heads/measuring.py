"""Seconds of a layer and its formulation, and the memory that each adds to a process."""

import time

import keras

from benchmarks.heads.contests import CONTESTS
from benchmarks.layers.backends import current_backend
from benchmarks.machine import memory_bytes


def seconds(built, warm_up, rounds):
    """Seconds of each round by a layer and by its formulation, which take turns.

    Args:
        built: what `Contest.build` gives.
        warm_up: int, rounds that are not timed.
        rounds: int, rounds that are.

    Returns:
        dict, `"forward"` and `"with backward"` to two lists `(rounds, 1)`.
    """
    backend = current_backend()
    calls = [_calls(backend, function, built[2]) for function in built[:2]]
    samples = {part: ([], []) for part in calls[0]}
    for number in range(warm_up + rounds):
        for part, both in samples.items():
            for call, taken in zip((calls[0][part], calls[1][part]), both, strict=True):
                start = time.perf_counter()
                backend.wait(call())
                if number >= warm_up:
                    taken.append([time.perf_counter() - start])
    return samples


def _calls(backend, function, maps):
    """Forward, and forward and backward, as functions without arguments."""
    forward = backend.bind(function, *maps)
    cotangent = keras.random.normal(forward().shape, seed=7)
    both = backend.bind(backend.pullback(function), cotangent, *maps)
    return {"forward": forward, "with backward": both}


def added_bytes(shape, contest, which, units):
    """Bytes that one forward and backward pass adds to this process at its peak.

    Args:
        shape: `LayerShape` of the maps.
        contest: int, index into `CONTESTS`.
        which: int, `0` for the layer and `1` for the formulation.
        units: int, length of sketches and projections.
    """
    backend, built = current_backend(), CONTESTS[contest].build(shape, units)
    before = memory_bytes("VmRSS")
    backend.wait(_calls(backend, built[which], built[2])["with backward"]())
    return max(memory_bytes("VmHWM") - before, 1)
