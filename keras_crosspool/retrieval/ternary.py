"""Sign quantisation: what is left of a descriptor is where it is large, and the sign there."""

import numpy as np

SHARE = 0.1


def ternarize(descriptors, share=SHARE):
    """Quantises descriptors to their signs, the smaller values to zero.

    Of each descriptor the `share` of largest magnitude becomes -1 or +1, so no statistics of a data
    set are needed and a query is treated as the stored ones are. An exact zero stays zero; values
    that tie with the last one kept are kept too.

    Args:
        descriptors: float `(n, dims)`.
        share: float in (0, 1], the share of the values that are kept. Of cross-layer descriptors
            of tens of thousands of values one in ten finds the same neighbours as all of them; the
            bare sign, 1.0, does not (`benchmarks.extraction`). Defaults to `0.1`.

    Returns:
        int8 `(n, dims)` of -1, 0, +1.

    Raises:
        ValueError: if the share is not in (0, 1].

    Reference:
        Sign quantisation to {-1, 0, +1} is that of Liu, Shen and van den Hengel, arXiv 1510.00921.
        That it is applied to the whole descriptor, and the dead zone with its share, are this
        project's.

    Example:

    >>> ternarize(np.array([[0.5, -0.1, 0.0, -0.7, 0.2]]), share=0.4).tolist()
    [[1, 0, 0, -1, 0]]
    """
    if not 0 < share <= 1:
        raise ValueError(f"share must be above 0 and up to 1. Received: {share}")
    magnitudes = np.abs(descriptors)
    rank = magnitudes.shape[1] - max(1, round(share * magnitudes.shape[1]))
    thresholds = np.partition(magnitudes, rank, axis=1)[:, rank, None]
    # Where the threshold is zero, a zero meets both bounds and stays zero.
    return np.subtract(descriptors >= thresholds, descriptors <= -thresholds, dtype="int8")
