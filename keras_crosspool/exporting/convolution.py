"""A convolution of a converted graph, and what rounding its weights does to its mean output."""

import dataclasses

import numpy as np

LEVELS = 127  # an int8 weight goes from -127 to 127


@dataclasses.dataclass(frozen=True)
class Convolution:
    """One convolution, its weights rounded to int8 per output channel.

    Attributes:
        source: str, name of the tensor that it reads.
        kernel: float array `(outputs, rows, columns, inputs of a group)`.
        steps: float array `(outputs,)`, the size of one int8 step of each output channel.
        strides: pair of int.
        dilations: pair of int.
        padding: pairs `((top, bottom), (left, right))`, or `None`: the least that keeps the size
            of the map, but for the stride.
    """

    source: str
    kernel: np.ndarray
    steps: np.ndarray
    strides: tuple[int, int] = (1, 1)
    dilations: tuple[int, int] = (1, 1)
    padding: tuple | None = ((0, 0), (0, 0))

    def mean_patch(self, maps):
        """What each weight meets on average, over the batch and all positions.

        Args:
            maps: float array `(batch, height, width, channels)`.

        Returns:
            float array `(rows, columns, channels)`.
        """
        extents = [1 + d * (k - 1) for k, d in zip(self._size, self.dilations, strict=True)]
        padding = self.padding or [
            _same(size, extent, stride)
            for size, extent, stride in zip(maps.shape[1:3], extents, self.strides, strict=True)
        ]
        maps = np.pad(maps, ((0, 0), *padding, (0, 0)))
        rows, columns = (
            [slice(d * i, size - extent + d * i + 1, stride) for i in range(k)]
            for k, d, size, extent, stride in zip(
                self._size, self.dilations, maps.shape[1:3], extents, self.strides, strict=True
            )
        )
        return np.array(
            [[maps[:, row, column].mean((0, 1, 2)) for column in columns] for row in rows]
        )

    def shift(self, patch):
        """How far rounding the weights moves the mean of each output channel.

        Args:
            patch: float array, a mean of `mean_patch`.

        Returns:
            float array `(outputs,)`, which a bias less by it takes back.
        """
        steps = self.steps[:, None, None, None]
        rounded = np.clip(np.rint(self.kernel / steps), -LEVELS, LEVELS) * steps
        error = (rounded - self.kernel).astype("float64")
        groups = patch.shape[-1] // self.kernel.shape[-1]
        error = error.reshape(groups, -1, *error.shape[1:])
        patch = patch.reshape(*self._size, groups, -1)
        return np.einsum("gorci,rcgi->go", error, patch).ravel()

    @property
    def _size(self):
        return self.kernel.shape[1:3]


def plain_steps(kernel):
    """The steps with which the largest weight of each output channel is 127.

    Args:
        kernel: float array `(outputs, rows, columns, inputs of a group)`.

    Returns:
        float array `(outputs,)`.
    """
    largest = np.abs(kernel).reshape(len(kernel), -1).max(1)
    return np.where(largest > 0, largest, 1.0) / LEVELS


def paired_steps(kernel):
    """The steps with which two weights that are added first make at most 127, if of one sign.

    An x86 processor without VNNI multiplies uint8 values by int8 weights in pairs and keeps each
    sum in 16 bits: 255 * (127 + 127) does not fit, 255 * 128 does. Without this bound ONNX Runtime
    gives other logits there. The pairs are the first and second of a row of weights, the third and
    fourth and so on; what lies in a row depends on the routine that runs, channels or columns.
    Depthwise convolutions are computed another way and need no bound.

    Args:
        kernel: float array `(outputs, rows, columns, inputs of a group)`.

    Returns:
        float array `(outputs,)`.
    """
    if kernel.shape[-1] == 1:
        return plain_steps(kernel)
    largest = np.max([_largest_pair(row) for row in _layouts(kernel)], axis=0)
    return np.where(largest > 0, largest, 1.0) / LEVELS


def _layouts(kernel):
    """The rows of weights, of even length, that routines make of each output channel."""
    filled = _filled(kernel)  # position by position, each of whole pairs
    for each in (kernel, filled, kernel.transpose(0, 3, 1, 2)):
        yield _filled(each.reshape(len(kernel), -1))


def _filled(values):
    """Values with a zero behind the last ones, if they are of an odd number."""
    return np.pad(values, [(0, 0)] * (values.ndim - 1) + [(0, values.shape[-1] % 2)])


def _largest_pair(rows):
    signs = np.stack([np.maximum(rows, 0), np.maximum(-rows, 0)])
    return (signs[..., 0::2] + signs[..., 1::2]).max((0, 2))


def _same(size, extent, stride):
    total = max((-(-size // stride) - 1) * stride + extent - size, 0)
    return total // 2, total - total // 2
