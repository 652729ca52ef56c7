"""The formats in which descriptors are kept, each with its own way to compare them."""

import dataclasses
from collections.abc import Callable

import numpy as np

from keras_crosspool.retrieval.packing import count_nonzero, pack, packed_dot
from keras_crosspool.retrieval.ternary import ternarize

_TINY = np.finfo("float32").tiny  # a descriptor of nothing but zeros is similar to none


@dataclasses.dataclass(frozen=True)
class DescriptorFormat:
    """A way to keep descriptors.

    Attributes:
        name: str.
        encode: function from float32 descriptors `(n, dims)` to the rows that are kept.
        cosine: function of kept queries `(q, ...)` and kept rows `(n, ...)` that gives their
            cosine similarities, float32 `(q, n)`.
    """

    name: str
    encode: Callable
    cosine: Callable


def _cosine(queries, rows):
    return _unit(queries) @ _unit(rows).T


def _unit(rows):
    rows = np.asarray(rows, "float32")
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), _TINY)


def _packed_cosine(queries, rows):
    lengths = np.outer(np.sqrt(count_nonzero(queries)), np.sqrt(count_nonzero(rows)))
    return (packed_dot(queries, rows) / np.maximum(lengths, _TINY)).astype("float32")


FORMATS = {
    kept.name: kept
    for kept in (
        DescriptorFormat("float32", lambda x: np.asarray(x, "float32"), _cosine),
        DescriptorFormat("float16", lambda x: np.asarray(x, "float16"), _cosine),
        DescriptorFormat("packed", lambda x: pack(ternarize(x)), _packed_cosine),
    )
}
