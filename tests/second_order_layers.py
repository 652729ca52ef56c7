"""The second-order layers by name, and small maps for them, for tests of what they all promise."""

import numpy as np

from keras_crosspool import (
    CompactBilinearPooling,
    CovariancePooling,
    DemocraticPooling,
    HierarchicalBilinearPooling,
    MatrixRootPooling,
    ProjectedCovariancePooling,
)

# Name, class, arguments and the channels of the maps that it takes.
_LAYERS = {
    "tensor sketch": (CompactBilinearPooling, {"units": 8}, (4, 3)),
    "tensor sketch of one map": (CompactBilinearPooling, {"units": 8}, (4,)),
    "random Maclaurin": (
        CompactBilinearPooling,
        {"units": 8, "method": "random_maclaurin"},
        (4, 3),
    ),
    "hierarchical": (HierarchicalBilinearPooling, {"units": 5}, (4, 3, 2)),
    "hierarchical of one map": (HierarchicalBilinearPooling, {"units": 5}, (4,)),
    "covariance": (CovariancePooling, {}, (4,)),
    "matrix root": (MatrixRootPooling, {}, (4, 3)),
    "matrix root, narrow features": (MatrixRootPooling, {"l2_normalization": False}, (3, 4)),
    "democratic": (DemocraticPooling, {}, (4, 3)),
    "democratic of one map": (
        DemocraticPooling,
        {"gamma": 0.5, "l2_normalization": False},
        (4,),
    ),
    "democratic, not normalised": (
        DemocraticPooling,
        {"l2_normalization": False, "signed_square_root": False},
        (4, 3),
    ),
    "projected covariance": (ProjectedCovariancePooling, {"units": 5}, (4,)),
    "projected covariance, log": (
        ProjectedCovariancePooling,
        {"units": 5, "transform": "log"},
        (4,),
    ),
}
NAMES = tuple(_LAYERS)


def make_layer(name, /, **further):
    """A layer by its name.

    Args:
        name: str, of `NAMES`.
        **further: arguments beside those of the name.
    """
    kind, arguments, _ = _LAYERS[name]
    return kind(**(arguments | further))


def channels_of(name):
    """The channels of the maps that a layer takes here, tuple of int."""
    return _LAYERS[name][2]


def random_maps(channels, shape=(2, 5, 4), seed=0, dtype="float32"):
    """Maps of normal values, of which the second are not negative, as after a ReLU.

    Args:
        channels: tuple of int.
        shape: batch, height and width.
        seed: int. Defaults to `0`.
        dtype: str. Defaults to `"float32"`.
    """
    rng = np.random.default_rng(seed)
    maps = [rng.normal(size=(*shape, n)) for n in channels]
    return [(np.abs(x) if i == 1 else x).astype(dtype) for i, x in enumerate(maps)]
