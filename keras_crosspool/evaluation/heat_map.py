"""What the places of all poolings contributed, laid over the picture as one heat map."""

import numpy as np

from keras_crosspool.graphs import graph_inputs
from keras_crosspool.layers.windows import shares
from keras_crosspool.models.branches import GRID_LAYER


def heat_map(model, contributions, resolution=64):
    """Spreads contributions evenly over the cells of the picture they belong to.

    The cell of a window or a region is the square around its centre that reaches half-way to the
    next one, so the heat map sums to what the contributions sum to.

    Args:
        model: zoo model.
        contributions: dict, pooling layer to `(batch, shown, rows, columns)`, from
            `place_contributions`.
        resolution: int, rows and columns of the heat map. Defaults to `64`.

    Returns:
        float `(batch, shown, resolution, resolution)`; a border that no cell covers is zero.
    """
    side = model.input_shape[1]
    canvas = 0
    for name, values in contributions.items():
        starts, extent = _cells(model, name, side)
        spread = [shares(axis, extent, side, resolution) for axis in starts]
        canvas = canvas + np.einsum("bcij,ir,js->bcrs", values, *spread, optimize=True)
    return canvas


def strongest_regions(model, contributions, count=3):
    """The boxes of the regions that contributed most to each class.

    Args:
        model: zoo model.
        contributions: as for `heat_map`.
        count: int, boxes a class at most. Defaults to `3`.

    Returns:
        int `(batch, shown, count, 4)` of left, top, right, bottom in pixels, the strongest first;
        no boxes for a model without a region grid.
    """
    batch, shown = next(iter(contributions.values())).shape[:2]
    if "grid_pooling" not in contributions:
        return np.empty((batch, shown, 0, 4), int)
    boxes = model.get_layer(GRID_LAYER).boxes()[0].reshape(-1, 4)
    values = contributions["grid_pooling"].reshape(batch, shown, -1)
    return boxes[np.argsort(-values, axis=2, kind="stable")[:, :, :count]]


def _cells(model, name, side):
    """Where the cells of a pooling's places begin along each axis, and their extent, in pixels."""
    if name == "grid_pooling":
        grid = model.get_layer(GRID_LAYER)
        boxes, extent = grid.boxes()[0], grid.stride
        margin = (grid.region_size[0] - extent) / 2
        return [boxes[:, 0, 1] + margin, boxes[0, :, 0] + margin], extent
    regions_name = name.replace("pooling", "regions")
    regions = model.get_layer(regions_name)
    maps = graph_inputs(model)[regions_name][0].shape
    grid = maps[2:4] if regions.data_format == "channels_first" else maps[1:3]
    extent = side / grid[0]
    return [
        extent * ((window - 1) // 2 + np.arange(places - window + 1))
        for places, window in zip(grid, regions.kernel_size, strict=True)
    ], extent
