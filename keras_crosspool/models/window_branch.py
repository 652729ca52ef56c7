"""Scheme 1: windows of one layer, projected and pooled with the next layer's activations."""

import dataclasses

import numpy as np

from keras_crosspool.layers.cross_layer_pooling import CrossLayerPooling
from keras_crosspool.layers.guidance_selection import GuidanceSelection
from keras_crosspool.layers.local_regions import LocalRegions
from keras_crosspool.models.branch import channel_axis, map_shape
from keras_crosspool.models.pooled_branch import PooledBranch


@dataclasses.dataclass(frozen=True, eq=False)
class WindowBranch(PooledBranch):
    """Windows of a feature map, pooled with a later map at the windows' centres.

    Attributes:
        features: symbolic map that the windows are taken of.
        centres: symbolic map, the guidance at the windows' centres.
        source: symbolic map that the centres are read from.
        windows: `LocalRegions`, windows and their PCA.
        selection: `GuidanceSelection`, or `None` where every channel is used.
        pooling: `CrossLayerPooling`.
        pooled: pair of symbolic maps, the projected windows and the selected guidance.
        descriptor: symbolic `(batch, K * D)`.

    Reference:
        Liu, Shen and van den Hengel, arXiv 1510.00921, scheme 1.
    """

    features: object
    centres: object
    source: object
    windows: LocalRegions
    selection: GuidanceSelection | None
    pooling: CrossLayerPooling
    pooled: tuple
    descriptor: object
    grid = None

    @classmethod
    def build(cls, features, guidance, options, prefix=""):
        """Puts the branch on two symbolic maps of equal size.

        Args:
            features: symbolic map that the windows are taken of.
            guidance: symbolic map of the same height and width, from a later layer.
            options: `SchemeConfig`.
            prefix: str, of the layers' names. Defaults to none.
        """
        windows = LocalRegions(
            options.feature_channels, options.window_size, name=f"{prefix}regions"
        )
        centres = weights = windows.crop(guidance)
        selection = None
        if guidance.shape[channel_axis()] > options.guidance_channels:
            selection = GuidanceSelection(options.guidance_channels, name=f"{prefix}guidance")
            weights = selection(centres)
        pooling = CrossLayerPooling(name=f"{prefix}pooling")
        pooled = (windows(features), weights)
        descriptor = pooling(list(pooled))
        return cls(features, centres, guidance, windows, selection, pooling, pooled, descriptor)

    @property
    def layers(self):
        return tuple(x for x in (self.windows, self.selection, self.pooling) if x is not None)

    @property
    def adapted(self):
        pairs = [(self.windows, self.features)]
        return pairs if self.selection is None else [*pairs, (self.selection, self.centres)]

    def roles(self):
        return {
            "windows": self.windows.name,
            "selection": None if self.selection is None else self.selection.name,
            "pooling": self.pooling.name,
        }

    @classmethod
    def restore(cls, graph, windows, selection, pooling):
        centres = graph.inputs(pooling)[1] if selection is None else graph.inputs(selection)[0]
        return cls(
            graph.inputs(windows)[0],
            centres,
            graph.inputs(graph.producer(centres))[0],
            graph.layer(windows),
            graph.layer(selection),
            graph.layer(pooling),
            tuple(graph.inputs(pooling)),
            graph.output(pooling),
        )

    def baseline_maps(self):
        return self.source

    def cells(self, side):
        """Where the cells of the positions begin along each axis, and their extent, in pixels.

        The cell of a window is the square around its centre that reaches half-way to the next one.

        Args:
            side: int, side of the image in pixels.

        Returns:
            Pair of float arrays, and float.
        """
        grid = map_shape(self.windows, self.features)
        extent = side / grid[0]
        return [
            extent * ((window - 1) // 2 + np.arange(positions - window + 1))
            for positions, window in zip(grid, self.windows.kernel_size, strict=True)
        ], extent
