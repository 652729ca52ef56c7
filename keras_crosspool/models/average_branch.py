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
        norm: `SignedSquareRoot`, with unit length.
        descriptor: symbolic `(batch, channels)`.
        grid: `RegionGrid` that gives the map, or `None`.
    """

    maps: object
    pooling: keras.layers.GlobalAveragePooling2D
    norm: SignedSquareRoot
    descriptor: object
    grid: RegionGrid | None = None

    @classmethod
    def build(cls, maps, grid=None):
        """Puts the branch on a symbolic map.

        Args:
            maps: symbolic map.
            grid: `RegionGrid` that gives it, if one does. Defaults to none.
        """
        prefix = "average" if grid is None else "region_average"
        pooling = keras.layers.GlobalAveragePooling2D(name=f"{prefix}_pooling")
        norm = SignedSquareRoot(l2_normalization=True, name=f"{prefix}_norm")
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
