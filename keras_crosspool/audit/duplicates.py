"""Photographs that are there twice: saved again, resized, mirrored, cropped or made brighter."""

import dataclasses

import numpy as np

from keras_crosspool.audit.finding import Finding
from keras_crosspool.numerics.copies import copy_likeness
from keras_crosspool.numerics.nearest import nearest
from keras_crosspool.progress import track

_NEIGHBOURS = 8  # of each image that are compared with it
_LEAST_COSINE = 0.7  # of the descriptors of copies; 0.81 was the least of 200
# Copies of five kinds came out at 0.966 or more, series of one scene at 0.904 or less.
_COPY = 0.935
_PART = 4096  # pairs from one sign of life to the next


@dataclasses.dataclass(frozen=True)
class Copy:
    """Two images that are one photograph.

    Attributes:
        first, second: int, indices.
        likeness: float, at most 1.
    """

    first: int
    second: int
    likeness: float


def find_copies(looks, averages):
    """Finds the images that are there twice.

    Args:
        looks: `Looks`.
        averages: float `(n, dims)`, descriptors of the images.

    Returns:
        List of `Copy`, in the order of the images.
    """
    likeness = dict.fromkeys(_same_files(looks.digests), 1.0)
    pairs = np.array([pair for pair in _candidates(averages) if pair not in likeness], int)
    parts = [pairs[start : start + _PART] for start in range(0, len(pairs), _PART)]
    for part in track(parts, "comparing images"):
        rows, numbered = np.unique(part, return_inverse=True)
        found = copy_likeness(looks.grays[rows], numbered.reshape(part.shape))
        likeness |= zip(map(tuple, part.tolist()), found.tolist(), strict=True)
    return [Copy(*pair, likeness[pair]) for pair in sorted(likeness) if likeness[pair] >= _COPY]


def duplicate_findings(copies, photographs):
    """What to do about copies.

    Args:
        copies: list of `Copy`.
        photographs: `Photographs`.

    Yields:
        `Finding` of the kind leak across splits, else duplicate.
    """
    for copy in copies:
        first, second = copy.first, copy.second
        files = photographs.files[first], photographs.files[second]
        splits = photographs.splits[first], photographs.splits[second]
        classes = photographs.classes_of(first), photographs.classes_of(second)
        kind = "duplicate" if splits[0] == splits[1] else "leak"
        if classes[0] != classes[1]:
            advice = f"Decide what it is: {_words(classes[0])} or {_words(classes[1])}. Keep one."
        elif kind == "leak":
            advice = f"Keep it in {splits[0]} or in {splits[1]}: else scores come out too high."
        else:
            advice = "Keep one of the two."
        yield Finding(kind, files[0], max(0.0, 1 - copy.likeness), files[1], advice)


def _words(names):
    return " and ".join(names) or "no label"


def _same_files(digests):
    """The pairs of images whose files are the same byte by byte: each with the first of them."""
    first = {}
    for index, digest in enumerate(digests):
        if first.setdefault(digest, index) != index:
            yield first[digest], index


def _candidates(averages):
    """The pairs that are worth comparing: nearest neighbours of like descriptors."""
    indices, cosines = nearest(averages, _NEIGHBOURS)
    rows, columns = np.nonzero(cosines >= _LEAST_COSINE)
    pairs = np.sort(np.stack([rows, indices[rows, columns]], axis=1), axis=1)
    return map(tuple, np.unique(pairs, axis=0).tolist())
