"""Scheme 2: dense regions through a network, pooled with a guidance layer trained on top."""

import dataclasses

import keras
import numpy as np

from keras_crosspool.layers.cross_layer_pooling import CrossLayerPooling
from keras_crosspool.layers.guidance_selection import GuidanceSelection
from keras_crosspool.layers.local_regions import LocalRegions
from keras_crosspool.layers.region_grid import RegionGrid
from keras_crosspool.models.pooled_branch import PooledBranch


@dataclasses.dataclass(frozen=True, eq=False)
class GridBranch(PooledBranch):
    """Activations of a grid of regions, projected and pooled with a guidance layer of its own.

    Attributes:
        grid: `RegionGrid`.
        maps: symbolic map that the grid gives.
        projection: `LocalRegions` with windows of 1 x 1, the PCA of regions.
        guidance: `keras.layers.Conv2D` that is trained, or `GuidanceSelection`.
        pooling: `CrossLayerPooling`.
        pooled: pair of symbolic maps, the projected regions and the guidance.
        descriptor: symbolic `(batch, K * D)`.

    Reference:
        Liu, Shen and van den Hengel, arXiv 1510.00921, scheme 2. That the guidance layer reads
        the projected activations is this project's choice.
    """

    grid: RegionGrid
    maps: object
    projection: LocalRegions
    guidance: keras.layers.Layer
    pooling: CrossLayerPooling
    pooled: tuple
    descriptor: object

    @classmethod
    def build(cls, grid, maps, options):
        """Puts the branch on the symbolic map of a region grid.

        Args:
            grid: `RegionGrid`.
            maps: symbolic map that it gives.
            options: `SchemeConfig`.
        """
        projection = LocalRegions(options.feature_channels, 1, name="grid_regions")
        features = projection(maps)
        channels = options.grid_guidance_channels
        if options.grid_guidance == "selected":
            guidance = GuidanceSelection(channels, name="grid_guidance")
            weights = guidance(maps)
        else:
            guidance = keras.layers.Conv2D(
                channels, 3, padding="same", activation="relu", name="grid_guidance"
            )
            weights = guidance(features)
        pooling = CrossLayerPooling(name="grid_pooling")
        pooled = (features, weights)
        return cls(grid, maps, projection, guidance, pooling, pooled, pooling(list(pooled)))

    @property
    def layers(self):
        return self.projection, self.guidance, self.pooling

    @property
    def trains_guidance(self):
        """Whether the guidance is a layer that learns from labels."""
        return not isinstance(self.guidance, GuidanceSelection)

    def roles(self):
        return {
            "grid": self.grid.name,
            "projection": self.projection.name,
            "guidance": self.guidance.name,
            "pooling": self.pooling.name,
        }

    @classmethod
    def restore(cls, graph, grid, projection, guidance, pooling):
        return cls(
            graph.layer(grid),
            graph.output(grid),
            graph.layer(projection),
            graph.layer(guidance),
            graph.layer(pooling),
            tuple(graph.inputs(pooling)),
            graph.output(pooling),
        )

    def baseline_maps(self):
        return self.maps

    def cells(self, side):
        """As `WindowBranch.cells`: squares of the stride around the regions' centres."""
        boxes, extent = self.grid.boxes()[0], self.grid.stride
        margin = (self.grid.region_size[0] - extent) / 2
        return [boxes[:, 0, 1] + margin, boxes[0, :, 0] + margin], extent

    def strongest_boxes(self, contributions, count):
        """The boxes of the regions that contributed most.

        Args:
            contributions: float `(batch, shown, rows, columns)`.
            count: int, boxes at most.

        Returns:
            int `(batch, shown, count, 4)` of left, top, right, bottom in pixels.
        """
        boxes = self.grid.boxes()[0].reshape(-1, 4)
        values = contributions.reshape(*contributions.shape[:2], -1)
        return boxes[np.argsort(-values, axis=2, kind="stable")[:, :, :count]]
