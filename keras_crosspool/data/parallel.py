"""A function mapped over items by threads, in order and only a few items ahead."""

import collections
import os
from concurrent import futures


def ordered_map(function, items):
    """Maps a function over items by as many threads as there are cores.

    Unlike `Executor.map` it takes items as it goes, so that as many results wait as there are
    threads, not all.

    Args:
        function: function of an item.
        items: iterable.

    Yields:
        The results, in order.

    Raises:
        Exception: what the function raised, at the item for which it did.

    Example:

    >>> list(ordered_map(lambda x: 10 * x, [1, 2, 3]))
    [10, 20, 30]
    """
    threads = os.cpu_count() or 1
    pool, waiting = futures.ThreadPoolExecutor(threads), collections.deque()
    try:
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) > 2 * threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
