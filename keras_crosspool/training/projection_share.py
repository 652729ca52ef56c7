"""How much of new photographs a projection keeps that was fitted to others."""

import keras
import numpy as np

from keras_crosspool.layers import LocalRegions

_MOST_IMAGES = 64  # tell as much as all


def kept_share(model, split, batch_size=32):
    """The variance that the model's projections keep, of what ones fitted to these images would.

    Args:
        model: `CrossPoolClassifier` with fitted projections.
        split: `Split` of other images than those they were fitted to.
        batch_size: int. Defaults to `32`.

    Returns:
        float from 0 to 1, the least of the branches; `None` without such a projection, or for too
        few images to fit one.
    """
    pairs = [pair for branch in model.branches for pair in branch.adapted]
    pairs = [(layer, maps) for layer, maps in pairs if isinstance(layer, LocalRegions)]
    if not pairs:
        return None
    maps_of = keras.Model(model.input, [maps for _, maps in pairs])
    spread = np.linspace(0, split.size - 1, min(split.size, _MOST_IMAGES)).astype(int)
    shown = split.images_at(spread, model.image_size).astype("float32")
    batches = np.split(shown, range(batch_size, len(shown), batch_size))
    found = [keras.tree.flatten(maps_of.predict_on_batch(shown)) for shown in batches]
    shares = [
        _share(layer, [maps[index] for maps in found]) for index, (layer, _) in enumerate(pairs)
    ]
    return None if None in shares else min(shares)


def _share(layer, maps):
    """Of one projection: variances of its outputs over those of the best one's."""
    kept = _rows(layer, maps)
    if len(kept) <= layer.filters:
        return None
    own = LocalRegions(layer.filters, layer.kernel_size, data_format=layer.data_format)
    own.adapt(maps)
    return min(1.0, float(_variance(kept) / _variance(_rows(own, maps))))


def _rows(projection, maps):
    outputs = [keras.ops.convert_to_numpy(projection(batch)) for batch in maps]
    if projection.data_format == "channels_first":
        outputs = [np.moveaxis(output, 1, -1) for output in outputs]
    return np.concatenate([output.reshape(-1, projection.filters) for output in outputs])


def _variance(rows):
    return rows.var(axis=0, dtype="float64").sum()
