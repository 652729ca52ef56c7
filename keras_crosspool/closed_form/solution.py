"""What solving a problem gives: a linear classifier, and the mean of its rows."""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class Solution:
    """The weights of a linear classifier, for descriptors without the weights of branches.

    Attributes:
        kernel: float32 `(dims, num_classes)`.
        bias: float `(num_classes,)`.
        mean: float32 `(dims,)`, whose inner product with a descriptor is that with the mean of
            all rows, in which all classes count the same.
    """

    kernel: np.ndarray
    bias: np.ndarray
    mean: np.ndarray
