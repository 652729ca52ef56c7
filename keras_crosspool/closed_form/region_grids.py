"""Region grids of a split, computed once and kept on disk."""

import hashlib
import json
import math
import pathlib

import keras
import numpy as np
from absl import logging

from keras_crosspool.array_file import ArrayFile
from keras_crosspool.files import atomic_path, default_cache_dir
from keras_crosspool.keras_backend import batch_predictor
from keras_crosspool.progress import track


def load_region_grids(model, split, image_size, batch_size=32, cache_dir=None):
    """The region grids of a split's whole images, from the cache or computed into it.

    A grid costs as much as the network on all its regions and does not change while what lies on
    top of it is fitted. The file's name is a digest of the images, the layer with its network
    and weights, and the image size, so whatever changes the grids is computed anew.

    Args:
        model: zoo model with a region grid.
        split: `Split`.
        image_size: int, side in pixels.
        batch_size: int, images whose early layers run at once. Defaults to `32`.
        cache_dir: path of the folder of the files, or `None` for `default_cache_dir()`.

    Returns:
        float16 `(images, rows, columns, D)`, mapped from its file: memory holds what is in use.
    """
    branch = next(branch for branch in model.branches if branch.grid is not None)
    layer = branch.grid
    grid_of = keras.Model(model.input, branch.maps)
    shape = (split.size, *grid_of.output_shape[1:])
    name = f"{_digest(layer, split, image_size)}.npy"
    path = pathlib.Path(cache_dir or default_cache_dir()) / name
    if path.exists():
        logging.info("region grids of %s: from %s", split.name, path)
    else:
        logging.info("region grids of %s: %.2f GB to %s", split.name, math.prod(shape) * 2e-9, path)
        batches = split.batches(image_size, batch_size)
        _compute(grid_of, batches, path, shape)
    return np.load(path, mmap_mode="r")


def _compute(grid_of, batches, path, shape):
    predict = batch_predictor(grid_of)
    with atomic_path(path) as partial, ArrayFile(partial, "float16", shape) as grids:
        for images, _ in track(batches, "region grids"):
            grids.append(predict(np.asarray(images, "float32")))


def _digest(layer, split, image_size):
    digest = hashlib.sha256()
    config = {**layer.get_config(), "name": None}
    del config["image_by_image"]  # changes nothing about the grids
    digest.update(json.dumps([config, split.fingerprint, image_size], sort_keys=True).encode())
    for weights in layer.get_weights():
        digest.update(np.ascontiguousarray(weights).tobytes())
    return digest.hexdigest()[:32]
