"""The heads that the study of the second-order family compares, and the maps they pool."""

import dataclasses

import numpy as np
from keras import ops

from keras_crosspool import (
    CompactBilinearPooling,
    CovariancePooling,
    CrossLayerPooling,
    DemocraticPooling,
    GuidanceSelection,
    HierarchicalBilinearPooling,
    LocalRegions,
    MatrixRootPooling,
    ProjectedCovariancePooling,
    SignedSquareRoot,
)

FEATURES, WINDOWS, CENTRES = "features", "windows", "centres"
GUIDANCE, LAST = "guidance", "last map"
REFERENCE = "cross-layer"


@dataclasses.dataclass(frozen=True)
class Head:
    """A way to pool maps.

    Attributes:
        name: str.
        maps: tuple of str, the maps it takes, of `Maps`.
        layer: function of a list of maps that gives descriptors.
    """

    name: str
    maps: tuple[str, ...]
    layer: object


class Maps:
    """The maps of images that the heads pool, from two layers of a network.

    - `features`: the earlier map, PCA of each position.
    - `windows`: the earlier map, PCA of its 3 x 3 windows; `centres` is the guidance there.
    - `guidance`: the most active channels of the later map.
    - `last map`: the later map, PCA of each position.

    Args:
        features: `(n, height, width, channels)`, the earlier map of the training images.
        last: `(n, height, width, channels)`, the later map of them.
        channels: int, of all maps that come out.
    """

    def __init__(self, features, last, channels):
        self._features, self._last = LocalRegions(channels, 1), LocalRegions(channels, 1)
        self._windows, self._guidance = LocalRegions(channels, 3), GuidanceSelection(channels)
        for layer, maps in (
            (self._features, features),
            (self._windows, features),
            (self._last, last),
            (self._guidance, last),
        ):
            layer.adapt(np.array_split(maps, max(1, len(maps) // 64)))

    def of(self, features, last):
        """The maps of some images: dict of str to array."""
        guidance = self._guidance(last)
        maps = {
            FEATURES: self._features(features),
            WINDOWS: self._windows(features),
            CENTRES: self._windows.crop(guidance),
            GUIDANCE: guidance,
            LAST: self._last(last),
        }
        return {name: ops.convert_to_numpy(value) for name, value in maps.items()}


def all_heads(units, seed):
    """The heads, as published but for what is trained there: those projections are random.

    Args:
        units: int, length of the sketches and of the hierarchical descriptor.
        seed: int, of the random projections.
    """
    import keras

    keras.utils.set_random_seed(seed)
    pair, one = (FEATURES, GUIDANCE), (LAST,)
    average, root = keras.layers.GlobalAveragePooling2D(), SignedSquareRoot(l2_normalization=True)
    cross, maclaurin = CrossLayerPooling(), "random_maclaurin"
    return [
        Head("global average", one, lambda maps: root(average(maps[0]))),
        Head(REFERENCE, pair, cross),
        Head("cross-layer, 3 x 3 windows", (WINDOWS, CENTRES), CrossLayerPooling()),
        Head("matrix root", pair, MatrixRootPooling()),
        Head("democratic", pair, DemocraticPooling()),
        Head("democratic, gamma 0.5", pair, DemocraticPooling(0.5)),
        Head("Tensor Sketch", pair, CompactBilinearPooling(units, seed=seed)),
        Head("Random Maclaurin", pair, CompactBilinearPooling(units, maclaurin, seed)),
        Head("hierarchical, random", pair, HierarchicalBilinearPooling(units)),
        Head("bilinear", one, lambda maps: cross([maps[0], maps[0]])),
        Head("matrix root", one, MatrixRootPooling()),
        Head("democratic", one, DemocraticPooling()),
        Head("Tensor Sketch", one, CompactBilinearPooling(units, seed=seed)),
        Head("covariance root", one, CovariancePooling()),
        Head("projected covariance, random", one, ProjectedCovariancePooling(units // 4)),
    ]
