"""The images whose descriptors are nearest to those of a query."""

import collections
import dataclasses

import numpy as np

from keras_crosspool.progress import track
from keras_crosspool.retrieval.store import IndexRow


@dataclasses.dataclass(frozen=True)
class Neighbour:
    """One image that was found.

    Attributes:
        position: int, its index among all descriptors.
        similarity: float, cosine of its descriptor and the query's.
        entry: its `IndexRow`.
    """

    position: int
    similarity: float
    entry: IndexRow


def nearest(store, descriptors, count=10):
    """Finds the nearest images by the cosine of the descriptors as they are kept.

    Every descriptor is compared, a shard at a time; of equal ones the earlier image comes first.

    Args:
        store: `DescriptorStore`.
        descriptors: float32 `(q, dims)`, the queries.
        count: int, neighbours of each query; fewer where the store has fewer.
            Defaults to `10`.

    Returns:
        For each query a list of `Neighbour`, the nearest first.

    Raises:
        ValueError: if the descriptors are damaged.
    """
    queries = store.format.encode(descriptors)
    similarities = np.empty((len(queries), 0), "float32")
    positions = np.empty((len(queries), 0), int)
    for start, rows in track(store.shards(), "searching", len(store.record.shards)):
        cosines = store.format.cosine(queries, rows)
        if not np.isfinite(cosines).all():
            raise ValueError(
                "The descriptors are damaged, not all of their values are finite: remove the file "
                f"and extract again. Received: {rows.filename}"
            )
        found = np.concatenate([similarities, cosines], axis=1)
        candidates = np.tile(np.arange(start, start + len(rows)), (len(queries), 1))
        candidates = np.concatenate([positions, candidates], axis=1)
        best = np.argsort(-found, axis=1, kind="stable")[:, :count]
        similarities = np.take_along_axis(found, best, axis=1)
        positions = np.take_along_axis(candidates, best, axis=1)
    return [
        [Neighbour(int(p), float(s), store.index[p]) for p, s in zip(*pair, strict=True)]
        for pair in zip(positions, similarities, strict=True)
    ]


@dataclasses.dataclass(frozen=True)
class Vote:
    """What the neighbours say for one class.

    Attributes:
        class_name: str.
        votes: int, neighbours of that class.
        similarity: float, their mean similarity.
    """

    class_name: str
    votes: int
    similarity: float


def vote(neighbours):
    """Counts the neighbours of each class; of equally many the more similar ones come first.

    Args:
        neighbours: list of `Neighbour`.

    Returns:
        List of `Vote`, the class with the most first.

    Example:

    >>> found = [Neighbour(i, s, IndexRow("", (name,), 0, i))
    ...          for i, (s, name) in enumerate([(0.75, "pear"), (0.5, "plum"), (0.25, "plum")])]
    >>> [(v.class_name, v.votes, v.similarity) for v in vote(found)]
    [('plum', 2, 0.375), ('pear', 1, 0.75)]
    """
    similarities = collections.defaultdict(list)
    for neighbour in neighbours:
        for name in neighbour.entry.classes:
            similarities[name].append(neighbour.similarity)
    votes = [Vote(name, len(s), sum(s) / len(s)) for name, s in similarities.items()]
    return sorted(votes, key=lambda v: (-v.votes, -v.similarity))
