"""The formats in which descriptors are kept, each with its own way to compare them."""

import dataclasses
from collections.abc import Callable

import numpy as np

from keras_crosspool.retrieval.packing import count_nonzero, pack, packed_dot
from keras_crosspool.retrieval.ternary import ternarize

_TINY = np.finfo("float32").tiny  # a descriptor of nothing but zeros is similar to none
_BLOCK_VALUES = 1 << 18  # 1 MB in float32 at once: it stays in the cache


@dataclasses.dataclass(frozen=True)
class DescriptorFormat:
    """A way to keep descriptors.

    Attributes:
        name: str.
        encode: function from float32 descriptors `(n, dims)` to the rows that are kept.
        cosine: function of kept queries `(q, ...)` and kept rows `(n, ...)` that gives their
            cosine similarities, float32 `(q, n)`; NaN where a row is not finite.
    """

    name: str
    encode: Callable
    cosine: Callable


def _cosine(queries, rows):
    queries = np.asarray(queries, "float32")
    queries = queries / _lengths(queries)[:, None]
    cosines = np.empty((len(queries), len(rows)), "float32")
    step = max(1, _BLOCK_VALUES // rows.shape[1])
    for start in range(0, len(rows), step):
        block = np.asarray(rows[start : start + step], "float32")
        # Unlike BLAS, this sums a row alike in whatever block it is: equal rows come out equal.
        products = np.einsum("qd,nd->qn", queries, block)
        with np.errstate(invalid="ignore"):
            cosines[:, start : start + step] = products / _lengths(block)
    return cosines


def _lengths(rows):
    """The lengths of rows; NaN where a value is not finite, or so large that the sum is not."""
    lengths = np.maximum(np.sqrt(np.einsum("nd,nd->n", rows, rows)), _TINY)
    return np.where(np.isinf(lengths), np.nan, lengths)


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
