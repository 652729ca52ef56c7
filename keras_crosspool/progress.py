"""A progress bar for anything that takes more than a moment."""

import sys


def track(iterable, description, total=None):
    """Yields the items of `iterable` and shows how far it has come on standard error.

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
    from rich.progress import track as rich_track

    if total is None and hasattr(iterable, "__len__"):
        total = len(iterable)
    console = Console(file=sys.stderr)
    yield from rich_track(
        iterable,
        description=description,
        total=total,
        console=console,
        disable=not console.is_terminal,
    )
