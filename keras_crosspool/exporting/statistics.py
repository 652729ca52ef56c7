"""What calibration measures: ranges of tensors, and shifts that rounded weights cause."""

import collections
import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class Statistics:
    """What real images tell of a float graph that becomes int8.

    Attributes:
        ranges: dict, name of a tensor to its least and largest value.
        shifts: dict, name of a kernel to how far its rounding moves the mean of each output
            channel, a list of float.
    """

    ranges: dict
    shifts: dict


class Collector:
    """Gathers `Statistics` while a graph runs.

    Args:
        convolutions: list of pairs, name of the kernel and its `Convolution`.
    """

    def __init__(self, convolutions):
        self._convolutions = convolutions
        self._ranges = {}
        self._sums, self._counts = collections.defaultdict(float), collections.Counter()

    def add(self, tensors, maps):
        """Takes what one batch of images came to.

        Args:
            tensors: dict, name to array.
            maps: function from the name of a tensor to it as `(batch, height, width, channels)`.
        """
        for name, values in tensors.items():
            low, high = self._ranges.get(name, (np.inf, -np.inf))
            self._ranges[name] = (min(low, float(values.min())), max(high, float(values.max())))
        for kernel, convolution in self._convolutions:
            self._sums[kernel] += convolution.mean_patch(maps(convolution.source)).astype("float64")
            self._counts[kernel] += 1

    def statistics(self):
        """The `Statistics` so far."""
        kernels = dict(self._convolutions)
        shifts = {
            name: kernels[name].shift(total / self._counts[name]).tolist()
            for name, total in self._sums.items()
        }
        return Statistics(self._ranges, shifts)
