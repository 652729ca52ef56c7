"""The branches of a classifier: each makes one descriptor of unit length from the image.

A branch knows its layers, the maps that they read, the cells of the image that its positions stand
for, and how a class score divides among them. `window_branch.py` is scheme 1, `grid_branch.py`
scheme 2, `average_branch.py` the baseline of both, `compact_branch.py` what networks are tuned
through. For one more kind write a `Branch` beside them
and add it to `KINDS` here.
"""

from keras_crosspool.models.average_branch import AverageBranch
from keras_crosspool.models.branch import Graph
from keras_crosspool.models.compact_branch import CompactBranch
from keras_crosspool.models.grid_branch import GridBranch
from keras_crosspool.models.window_branch import WindowBranch

KINDS = {kind.__name__: kind for kind in (WindowBranch, GridBranch, AverageBranch, CompactBranch)}


def branch_config(branch):
    """A branch as plain data: its kind, and the layer that plays each role."""
    return {"kind": type(branch).__name__, **branch.roles()}


def restore_branch(config, network):
    """Finds a branch again in a network of the same layers.

    Args:
        config: dict, from `branch_config`.
        network: functional `keras.Model` that contains the layers.

    Returns:
        A `Branch`.
    """
    roles = dict(config)
    return KINDS[roles.pop("kind")].restore(Graph(network), **roles)
