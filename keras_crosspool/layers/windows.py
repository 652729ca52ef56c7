"""Windows of feature maps at given positions: cut out, or averaged."""

import keras
import numpy as np
from keras import ops


def nearest_positions(offsets, size, pixels, positions):
    """Where windows of an image lie in one of its feature maps, to whole positions.

    Args:
        offsets: int `(n,)`, where the windows begin along one axis, in pixels.
        size: int, their extent in pixels.
        pixels: int, the image's extent.
        positions: int, the map's extent.

    Returns:
        int `(n,)`, the positions at which the windows begin, and int, their extent in positions.
    """
    extent = max(1, round(size * positions / pixels))
    starts = np.rint(np.asarray(offsets) * positions / pixels).astype(int)
    return np.minimum(starts, positions - extent), extent


def shares(offsets, size, pixels, positions):
    """How much of each window of an image falls to each position of one of its feature maps.

    Args:
        offsets: int `(n,)`, where the windows begin along one axis, in pixels.
        size: int, their extent in pixels.
        pixels: int, the image's extent.
        positions: int, the map's extent.

    Returns:
        float32 `(n, positions)`; each window's shares sum to one.

    Example:

    >>> shares([0, 16], size=64, pixels=128, positions=4).tolist()
    [[0.5, 0.5, 0.0, 0.0], [0.25, 0.5, 0.25, 0.0]]
    """
    edges = np.arange(positions + 1) * pixels / positions
    begin = np.asarray(offsets, "float64")[:, None]
    overlap = np.minimum(edges[1:], begin + size) - np.maximum(edges[:-1], begin)
    return (np.maximum(overlap, 0) / size).astype("float32")


def cut_windows(maps, tops, lefts, height, width):
    """Cuts windows out of maps.

    Args:
        maps: `(batch, rows, columns, channels)`.
        tops: int `(n,)`, first rows of the windows.
        lefts: int `(m,)`, their first columns.
        height: int, rows of a window.
        width: int, columns of a window.

    Returns:
        `(batch * n * m, height, width, channels)`, an image's windows row by row.
    """
    channels, columns = maps.shape[3], maps.shape[2]
    maps = ops.take(maps, _indices(tops, height), axis=1)
    maps = ops.reshape(maps, (-1, height, columns, channels))
    maps = ops.take(maps, _indices(lefts, width), axis=2)
    # No tensor of more than four axes: every runtime transposes those.
    maps = ops.reshape(maps, (-1, height, len(lefts), width * channels))
    return ops.reshape(ops.transpose(maps, (0, 2, 1, 3)), (-1, height, width, channels))


def window_means(row_shares, column_shares, maps):
    """Averages maps over windows, in float32 or wider.

    Args:
        row_shares: float `(n, rows)`, from `shares`.
        column_shares: float `(m, columns)`, from `shares`.
        maps: `(batch, rows, columns, channels)`.

    Returns:
        `(batch, n, m, channels)`.
    """
    rows, columns, channels = maps.shape[1:]
    maps = ops.cast(maps, keras.backend.result_type(maps.dtype, "float32"))
    maps = ops.matmul(row_shares, ops.reshape(maps, (-1, rows, columns * channels)))
    maps = ops.reshape(maps, (-1, columns, channels))
    return ops.reshape(
        ops.matmul(column_shares, maps), (-1, len(row_shares), len(column_shares), channels)
    )


def _indices(starts, extent):
    return np.add.outer(starts, np.arange(extent)).ravel()
