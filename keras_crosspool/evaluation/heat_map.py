"""What the positions of all poolings contributed, laid over the image as one heat map."""

import numpy as np

from keras_crosspool.layers.windows import shares
from keras_crosspool.models.grid_branch import GridBranch


def heat_map(model, contributions, resolution=64):
    """Spreads contributions evenly over the cells of the image they belong to.

    The cell of a window or a region is the square around its centre that reaches half-way to the
    next one, so the heat map sums to what the contributions sum to.

    Args:
        model: zoo model.
        contributions: dict, pooling layer to `(batch, shown, rows, columns)`, from
            `position_contributions`.
        resolution: int, rows and columns of the heat map. Defaults to `64`.

    Returns:
        float `(batch, shown, resolution, resolution)`; a border that no cell covers is zero.
    """
    side = model.input_shape[1]
    canvas = 0
    for branch in model.branches:
        values = contributions[branch.name]
        starts, extent = branch.cells(side)
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
    for branch in model.branches:
        if isinstance(branch, GridBranch):
            return branch.strongest_boxes(contributions[branch.name], count)
    batch, shown = next(iter(contributions.values())).shape[:2]
    return np.empty((batch, shown, 0, 4), int)
