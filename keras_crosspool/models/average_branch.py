"""The baseline: the average of a map over its positions, signed root and unit length."""

import dataclasses

import keras

from keras_crosspool.layers.region_grid import RegionGrid
from keras_crosspool.layers.signed_square_root import SignedSquareRoot
from keras_crosspool.models.branch import Branch


@dataclasses.dataclass(frozen=True, eq=False)
class AverageBranch(Branch):
    """The average of a feature map, or of a grid of regions.

    Attributes:
        maps: symbolic map.
        pooling: `keras.layers.GlobalAveragePooling2D`.
        norm: `SignedSquareRoot`, with unit length; `keras.layers.Identity` for the plain average.
        descriptor: symbolic `(batch, channels)`.
        grid: `RegionGrid` that gives the map, or `None`.
    """

    maps: object
    pooling: keras.layers.GlobalAveragePooling2D
    norm: keras.layers.Layer
    descriptor: object
    grid: RegionGrid | None = None

    @classmethod
    def build(cls, maps, grid=None, normalized=True):
        """Puts the branch on a symbolic map.

        Args:
            maps: symbolic map.
            grid: `RegionGrid` that gives it, if one does. Defaults to none.
            normalized: bool, whether the average gets a signed square root and unit length.
                Defaults to `True`.
        """
        prefix = "average" if grid is None else "region_average"
        pooling = keras.layers.GlobalAveragePooling2D(name=f"{prefix}_pooling")
        if normalized:
            norm = SignedSquareRoot(l2_normalization=True, name=f"{prefix}_norm")
        else:
            norm = keras.layers.Identity(name=f"{prefix}_norm")
        return cls(maps, pooling, norm, norm(pooling(maps)), grid)

    @property
    def name(self):
        return self.norm.name

    @property
    def layers(self):
        return self.pooling, self.norm

    @property
    def float32_layers(self):
        return self.layers

    def roles(self):
        return {
            "pooling": self.pooling.name,
            "norm": self.norm.name,
            "grid": None if self.grid is None else self.grid.name,
        }

    @classmethod
    def restore(cls, graph, pooling, norm, grid):
        return cls(
            graph.inputs(pooling)[0],
            graph.layer(pooling),
            graph.layer(norm),
            graph.output(norm),
            graph.layer(grid),
        )

    def baseline_maps(self):
        return self.maps
