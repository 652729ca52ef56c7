"""How far work has come: a bar on a terminal, dated lines elsewhere."""

import sys
import time

from keras_crosspool.memory import peak_memory

_SECONDS = 20  # from line to line


def track(iterable, description, total=None):
    """Yields the items of `iterable` and shows how far it has come.

    A terminal shows a bar on standard error, with the time that is left and the most memory that
    the process has taken. Elsewhere a line with the same figures is logged every 20 seconds.

    Args:
        iterable: what to go through.
        description: str, what is being done, such as `"descriptors"`.
        total: int, the number of items; by default `len(iterable)` where that is known.

    Yields:
        The items.

    Example:

    >>> list(track([1, 2, 3], "counting"))
    [1, 2, 3]
    """
    from rich.console import Console

    if total is None and hasattr(iterable, "__len__"):
        total = len(iterable)
    console = Console(file=sys.stderr)
    if console.is_terminal:
        yield from _with_bar(iterable, description, total, console)
    else:
        yield from _with_lines(iterable, description, total)


def verbosity():
    """The `verbose` of `model.fit`: 1, a bar, on a terminal; elsewhere 2, a line an epoch."""
    return 1 if sys.stdout.isatty() else 2


def _with_bar(iterable, description, total, console):
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=None),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[memory]}"),
    )
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(description, total=total, memory=_memory())
        for item in iterable:
            yield item
            progress.update(task, advance=1, memory=_memory())


def _with_lines(iterable, description, total):
    from absl import logging

    start = told = time.monotonic()
    for count, item in enumerate(iterable, 1):
        yield item
        now = time.monotonic()
        if now - told >= _SECONDS:
            told = now
            logging.info("%s: %s", description, _state(count, total, now - start))


def _state(count, total, seconds):
    """How far the work has come, in words."""
    if not total:
        return f"{count}, after {seconds:.0f} s, {_memory()}"
    left = seconds * (total - count) / count
    return f"{count} of {total}, {left:.0f} s left, {_memory()}"


def _memory():
    return f"peak {peak_memory() / 1e9:.1f} GB"
