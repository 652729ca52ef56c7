"""The model of a page: beside the logits it gives the heat map of the best class."""

import dataclasses

import keras
from keras import ops

from keras_crosspool.layers.windows import shares
from keras_crosspool.models.branches import branch_config, restore_branch
from keras_crosspool.models.grid_branch import GridBranch
from keras_crosspool.models.window_branch import WindowBranch

HEAT_MAP = "heat_map"
_RESOLUTION = 64


def explained_source(source):
    """A source whose model also gives the heat map of its best class.

    Args:
        source: `Source` of a classifier whose branches all pool across layers.

    Returns:
        `Source` with the output `heat_map` behind the logits, float32 `(batch, 64, 64)`.

    Raises:
        ValueError: if a branch has no positions to explain.
    """
    for branch in source.original.branches:
        _check_positions(branch)
    model = source.model
    branches = [restore_branch(branch_config(branch), model) for branch in source.original.branches]
    maps = [tensor for branch in branches for tensor in branch.pooled]
    classifier = model.get_layer(source.original.classifier.name)
    heat_map = BestClassHeatMap(branches, classifier, model.input_shape[1], name=HEAT_MAP)
    shown = heat_map([model.outputs[0], classifier.input, *maps])
    explained = keras.Model(model.inputs, [model.outputs[0], shown])
    return dataclasses.replace(source, model=explained, further_outputs=(HEAT_MAP,))


def _check_positions(branch):
    if not isinstance(branch, WindowBranch | GridBranch):
        raise ValueError(
            "A page shows where an answer comes from, which takes a model of scheme1, scheme2 or "
            "both; this one averages over positions: train another scheme. "
            f"Received: the branch {branch.name}"
        )


class BestClassHeatMap(keras.layers.Layer):
    """What each part of the image contributes to the best class.

    A class score is a sum over positions once the factors of the normalisation are held. Position
    `i` adds `a_i^T (W * scale) x_i`, with `W` the classifier's weights of that class. Each value is
    spread evenly over the cell of its position. The limit of the logits multiplies the class score
    by a factor, which is held too; so the heat map and the bias of the class, times the factor, sum
    to the logit without its common part, but for float32's rounding.

    Args:
        branches: sequence of `WindowBranch` and `GridBranch`, in the order of the descriptor.
        classifier: `LimitedDense`, from descriptors to logits; its weights are read.
        side: int, side of the image in pixels.
        resolution: int, rows and columns of the heat map. Defaults to `64`.
        **kwargs: arguments of `keras.layers.Layer`.

    Input shape:
        A list: logits `(batch, num_classes)`, descriptors `(batch, dims)`, then of each branch the
        features `(batch, rows, columns, D)` and the guidance `(batch, rows, columns, K)`.

    Output shape:
        `(batch, resolution, resolution)`.

    Reference:
        This project, from the linearity of the pooling in Liu, Shen and van den Hengel,
        arXiv 1510.00921; `keras_crosspool.evaluation` computes the same in NumPy, for any class.

    Example:

    >>> model = CrossPoolClassifier.from_backbone(
    ...     "MobileNetV2", ["apple", "pear"], image_size=96, weights=None, feature_channels=4
    ... )
    >>> layer = BestClassHeatMap(model.branches, model.classifier, side=96)
    >>> layer([model.output, model.classifier.input, *model.branches[0].pooled]).shape
    (None, 64, 64)
    """

    def __init__(self, branches, classifier, side, resolution=_RESOLUTION, **kwargs):
        super().__init__(**kwargs)
        self._branches, self._classifier = tuple(branches), classifier
        self._side, self._resolution = side, resolution

    def call(self, inputs):
        logits, descriptors, *maps = inputs
        highest, best = ops.top_k(logits, 1)  # ONNX lacks a part of Keras' argmax
        weights = ops.transpose(ops.take(self._classifier.kernel, best[:, 0], axis=1))
        weights *= self._classifier.shrinkage(highest - self._classifier.common_part(descriptors))
        sizes = [branch.descriptor.shape[-1] for branch in self._branches]
        parts, start = [], 0
        for i, branch in enumerate(self._branches):
            own = weights[:, start : start + sizes[i]]
            parts.append(self._spread(branch, _contributions(branch, own, maps[2 * i : 2 * i + 2])))
            start += sizes[i]
        return sum(parts[1:], parts[0])

    def compute_output_shape(self, input_shape):
        return (input_shape[0][0], self._resolution, self._resolution)

    def get_config(self):
        return {**super().get_config(), "side": self._side, "resolution": self._resolution}

    def _spread(self, branch, values):
        """Values of positions `(batch, rows, columns)` on the grid of the heat map."""
        starts, extent = branch.cells(self._side)
        rows, columns = (shares(axis, extent, self._side, self._resolution) for axis in starts)
        return ops.matmul(ops.matmul(rows.T, values), columns)


def _contributions(branch, weights, maps):
    """What each position adds to the logit, `(batch, rows, columns)`."""
    pooled = branch.pooling.pool(maps)
    channels, dims = pooled.shape[1:]
    scaled = ops.reshape(weights, (-1, channels, dims)) * branch.pooling.normalization_scale(pooled)
    features, guidance = branch.pooling.pooled_maps(maps)
    rows, columns = features.shape[1:3]
    features = ops.reshape(features, (-1, rows * columns, dims))
    guidance = ops.reshape(guidance, (-1, rows * columns, channels))
    values = ops.sum(ops.matmul(guidance, scaled) * features, axis=2)
    return ops.reshape(values, (-1, rows, columns))
