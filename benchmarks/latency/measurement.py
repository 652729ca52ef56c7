"""Interleaved rounds over worker processes: every runtime, the same images, in turn."""

import contextlib
import dataclasses
import hashlib
import pathlib
import tempfile
import time

import numpy as np

from benchmarks.latency.remote_runner import RemoteRunner
from benchmarks.latency.statistics import has_settled
from keras_crosspool.progress import track

# ONNX Runtime's threads spin for some 50 ms after a run; they get time to go to sleep.
_PAUSE_SECONDS = 0.08


@dataclasses.dataclass(frozen=True)
class Round:
    """One round of the schedule.

    Args:
        order: list of str, names of the candidates in the order they take their turn.
        images: list of int, the images that each of them runs, one at a time.
    """

    order: list
    images: list


def schedule(names, images, rounds, per_round, seed=0):
    """Draws the rounds: the order of the runtimes and the images of each.

    Args:
        names: sequence of str, the candidates.
        images: int, the number of images there are.
        rounds: int.
        per_round: int, images of a round; at most `images` are drawn.
        seed: int. Defaults to `0`.

    Returns:
        List of `Round`.

    Example:

    >>> sorted(schedule(["a", "b"], images=9, rounds=3, per_round=2)[0].order)
    ['a', 'b']
    """
    rng = np.random.default_rng(seed)
    return [
        Round(
            order=rng.permutation(list(names)).tolist(),
            images=rng.choice(images, min(per_round, images), replace=False).tolist(),
        )
        for _ in range(rounds)
    ]


def measure(candidates, pixels, plan):
    """Measures candidates on images, each in a process of its own.

    Every turn of a round starts with one inference on the turn's first image that is kept
    apart (`reentry_ns`): it pays for the caches that the runtime before has taken.

    Args:
        candidates: list of `Candidate`.
        pixels: dict, name of each candidate to its images, uint8 `(n, height, width, 3)`: of one
            number, and as large as the candidate takes them.
        plan: list of `Round`.

    Returns:
        List of dicts in the order of the candidates: `Candidate.to_dict()` and `base_bytes`,
        `import_seconds`, `load_seconds`, `first_ns`, `warm_up_ns`, `settled`, `reentry_ns`
        (a number for each round), `samples_ns` (a list for each round), `peak_bytes`,
        `scores`, `are_probabilities` and `pixels_sha256`.

    Raises:
        ValueError: if a candidate cannot be loaded.
        WorkerCrashError: if a process ends before its time.
        RuntimeError: if a process has not read the same images.
    """
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        paths = _save(pixels, pathlib.Path(folder))
        remotes, starts = {}, {}
        for candidate in track(candidates, "loading and warming up"):
            remote = stack.enter_context(RemoteRunner(candidate, paths[candidate.name]))
            starts[candidate.name] = _start(remote, plan[0].images)
            remotes[candidate.name] = remote
        turns = _run_rounds(remotes, plan)
        ends = {name: _finish(remote) for name, remote in track(remotes.items(), "accuracy")}
    _check_pixels(ends, pixels)
    return [c.to_dict() | starts[c.name] | turns[c.name] | ends[c.name] for c in candidates]


def _save(pixels, folder):
    """Saves each array once; name of each candidate to the path of its images."""
    paths = {}
    for images in pixels.values():
        if id(images) not in paths:
            paths[id(images)] = folder / f"{len(paths)}.npy"
            np.save(paths[id(images)], images)
    return {name: paths[id(images)] for name, images in pixels.items()}


def _start(remote, indices):
    loaded = remote.ask("load")
    (first,) = remote.ask("time", indices[:1])
    warm_up = remote.ask("warm_up", indices)
    return {
        **loaded,
        "first_ns": first,
        "warm_up_ns": warm_up,
        "settled": has_settled(warm_up),
    }


def _run_rounds(remotes, plan):
    turns = {name: {"reentry_ns": [], "samples_ns": []} for name in remotes}
    for turn in track(plan, "rounds"):
        for name in turn.order:
            time.sleep(_PAUSE_SECONDS)
            reentry, *samples = remotes[name].ask("time", turn.images[:1] + turn.images)
            turns[name]["reentry_ns"].append(reentry)
            turns[name]["samples_ns"].append(samples)
    return turns


def _finish(remote):
    # Before the accuracy, whose batches would count as memory.
    peak = remote.ask("peak_bytes")
    return {"peak_bytes": peak, **remote.ask("score")}


def _check_pixels(ends, pixels):
    for name, end in ends.items():
        expected = hashlib.sha256(pixels[name].tobytes()).hexdigest()
        if end["pixels_sha256"] != expected:
            raise RuntimeError(
                f"Every runtime has to see the images {expected}. Received: {name} read "
                f"{end['pixels_sha256']}"
            )
