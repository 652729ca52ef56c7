"""Ternary descriptors in 2 bits a value, and their exact dot products without unpacking."""

import numpy as np

_WORD_BITS = 64
_WORD = np.dtype("<u8")  # the bytes in the files are the same on every machine
_BLOCK_WORDS = 1 << 15  # 256 KB of a plane at once: it stays in the cache


def pack(ternary):
    """Packs ternary rows into two bit planes: which values are not zero, which are negative.

    Args:
        ternary: int `(n, dims)` of -1, 0, +1.

    Returns:
        uint64 `(n, 2, words)` with `words = ceil(dims / 64)`: a sixteenth of float32 where `dims`
        is a multiple of 64, rounded up to one otherwise.

    Raises:
        ValueError: if the values are none of -1, 0, +1.

    Example:

    >>> packed = pack(np.array([[1, -1, 0, -1]]))
    >>> [f"{int(plane[0]):04b}" for plane in packed[0]]  # the first value is the last bit
    ['1011', '1010']
    """
    ternary = np.asarray(ternary)
    if ternary.dtype.kind != "i" or np.any(ternary > 1) or np.any(ternary < -1):
        raise ValueError(
            "Expected whole numbers -1, 0 and +1, as `ternarize` gives them. "
            f"Received: {ternary.dtype} from {ternary.min()} to {ternary.max()}"
        )
    planes = np.stack([ternary != 0, ternary < 0], axis=1)
    padding = -planes.shape[2] % _WORD_BITS
    planes = np.pad(planes, ((0, 0), (0, 0), (0, padding)))
    return np.packbits(planes, axis=2, bitorder="little").view(_WORD)


def unpack(packed, dims):
    """Unpacks what `pack` packed.

    Args:
        packed: uint64 `(n, 2, words)`.
        dims: int, the number of values of a row.

    Returns:
        int8 `(n, dims)` of -1, 0, +1.
    """
    as_bytes = np.ascontiguousarray(packed, _WORD).view("uint8")
    nonzero, negative = np.unpackbits(
        as_bytes, axis=2, count=dims, bitorder="little"
    ).transpose(1, 0, 2).astype("int8")  # fmt: skip
    return nonzero - 2 * negative


def packed_dot(queries, rows):
    """The dot products of packed rows, exact integers.

    Where both values are not zero their product is +1, or -1 if the signs differ; so the dot
    product is the number of such positions less twice the number of those whose signs differ.

    Args:
        queries: uint64 `(q, 2, words)`.
        rows: uint64 `(n, 2, words)`; a memory-mapped array is read block by block.

    Returns:
        int64 `(q, n)`.

    Example:

    >>> packed_dot(pack(np.array([[1, -1, 0, 1]])), pack(np.array([[1, 1, 1, 0], [1, -1, 1, 1]])))
    array([[0, 3]])
    """
    products = np.empty((len(queries), len(rows)), "int64")
    step = max(1, _BLOCK_WORDS // rows.shape[2])
    for start in range(0, len(rows), step):
        nonzero, negative = np.moveaxis(np.asarray(rows[start : start + step]), 1, 0)
        for query, product in zip(queries, products, strict=True):
            both = nonzero & query[0]
            differing = both & (negative ^ query[1])
            product[start : start + step] = _ones(both) - 2 * _ones(differing)
    return products


def count_nonzero(packed):
    """The number of values of each packed row that are not zero, int32 `(n,)`."""
    return _ones(packed[:, 0])


def _ones(words):
    return np.bitwise_count(words).sum(axis=1, dtype="int32")
