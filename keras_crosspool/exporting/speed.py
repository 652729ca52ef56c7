"""The gate on speed: an int8 file that is slower than float32 on this machine is refused."""

import contextlib
import dataclasses
import time

from absl import logging

from keras_crosspool.exporting import formats
from keras_crosspool.files import scratch_directory

_FEWEST_ROUNDS, _MOST_ROUNDS, _RUNS = 3, 12, 3
# Minima of interleaved rounds differ by less than this on a busy machine.
_CLEARLY_SLOWER = 1.25


class SlowerError(RuntimeError):
    """A file of a lower precision is slower than float32; nothing was written."""


@dataclasses.dataclass(frozen=True)
class Speed:
    """The latency of one file against that of its float32 version.

    Attributes:
        milliseconds: float, the shortest run, one thread.
        float32_milliseconds: float, that of the float32 file.
        rounds: int, rounds in which both took turns.
    """

    milliseconds: float
    float32_milliseconds: float
    rounds: int

    @property
    def ratio(self):
        """Time as a part of float32's."""
        return self.milliseconds / self.float32_milliseconds

    def to_dict(self):
        """The result as plain data for a record."""
        return {**dataclasses.asdict(self), "ratio": self.ratio, "threads": 1}


def compare_speed(runner, reference, batch, clock=time.perf_counter):
    """Times two open runners in turn until the first is faster, or the rounds are over.

    The shortest of many runs is what the rest of the machine disturbs least. A file that is
    faster shows it in few rounds; only one that is never faster goes through all of them.

    Args:
        runner: `Runner` of the file.
        reference: `Runner` of its float32 version.
        batch: float32 array, images.
        clock: function that gives seconds. Defaults to `time.perf_counter`.

    Returns:
        `Speed`.
    """
    best = {runner: float("inf"), reference: float("inf")}
    for each in best:
        each.run(batch)  # the first run allocates
    for rounds in range(1, _MOST_ROUNDS + 1):
        for each in best:
            for _ in range(_RUNS):
                start = clock()
                each.run(batch)
                best[each] = min(best[each], clock() - start)
        if rounds >= _FEWEST_ROUNDS and best[runner] < best[reference]:
            break
    return Speed(1000 * best[runner], 1000 * best[reference], rounds)


def gate_speed(row, content, reference, batch, allow_slower=False):
    """Times an int8 file against its float32 version and refuses one that is clearly slower.

    Args:
        row: `Format` of both.
        content: bytes of the int8 file.
        reference: bytes of the float32 file.
        batch: float32 array, images.
        allow_slower: bool, whether a slower one is only warned of. Defaults to `False`.

    Returns:
        `Speed`.

    Raises:
        SlowerError: if it is slower and that is not allowed.
    """
    with contextlib.ExitStack() as stack:
        directory = stack.enter_context(scratch_directory())
        runners = []
        for name, data in (("int8", content), ("float32", reference)):
            path = directory / f"{name}{row.suffix}"
            path.write_bytes(data)
            runner = formats.resolve(row.runner)(path, num_threads=1)
            runners.append(stack.enter_context(runner))
        speed = compare_speed(*runners, batch)
    if speed.ratio > _CLEARLY_SLOWER:
        words = (
            f"The int8 file takes {speed.ratio:.2f} times as long as float32 on this machine's CPU "
            f"({runners[0].name}, one thread)"
        )
        if not allow_slower:
            raise SlowerError(
                f"{words}, so nothing was written. Choose float32, or pass `allow_slower` if the "
                f"file is for another machine. Received: `precision=int8` for {row.name}"
            )
        logging.warning("%s", words)
    return speed
