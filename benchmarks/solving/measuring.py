"""One measurement: bare passes, and a closed-form fit, of some images."""

import dataclasses
import time

import numpy as np


@dataclasses.dataclass(frozen=True)
class Setting:
    """What is measured.

    Attributes:
        data: str, folder of images split/class/*.jpg.
        split: str.
        images: int, taken evenly from the split; all it has, if those are fewer.
        image_size: int, side in pixels.
        crop_scales: tuple of float.
        backbone: str.
        weights: str.
    """

    data: str
    split: str
    images: int
    image_size: int
    crop_scales: tuple[float, ...]
    backbone: str
    weights: str


def measure(setting):
    """Measures in this process.

    Args:
        setting: `Setting`.

    Returns:
        dict, column to figure.
    """
    from keras_crosspool import CrossPoolClassifier
    from keras_crosspool.closed_form.head_solver import HeadSolver
    from keras_crosspool.closed_form.views import Views
    from keras_crosspool.config.guidance_config import GuidanceConfig
    from keras_crosspool.config.solver_config import SolverConfig
    from keras_crosspool.data import open_split
    from keras_crosspool.memory import peak_memory
    from keras_crosspool.sessions import with_sessions

    whole = with_sessions(open_split(setting.data, setting.split))
    images = np.unique(np.linspace(0, whole.size - 1, setting.images).round().astype(int))
    split = whole.chosen(images, whole.name)
    model = CrossPoolClassifier.from_backbone(
        setting.backbone,
        split.class_names,
        image_size=setting.image_size,
        weights=setting.weights,
    )
    solver = SolverConfig(crop_scales=setting.crop_scales)
    views = Views(solver.crop_scales, solver.mirror)
    bare = _bare_passes(model, split, views)
    start = time.perf_counter()
    head = HeadSolver(split, solver, GuidanceConfig())
    head.solve([model, model.baseline()], head.adapt(model))
    seconds = time.perf_counter() - start
    return {
        "images": split.size,
        "rows": split.size * views.count,
        "classes": len(split.class_names),
        "bare passes, s": round(bare, 1),
        "solving, s": round(seconds, 1),
        "ratio": round(seconds / bare, 2),
        "peak GB": round(peak_memory() / 1e9, 2),
    }


def _bare_passes(model, split, views):
    """Seconds of the network over all images, and over all their views."""
    import keras

    from keras_crosspool.keras_backend import batch_predictor

    network = batch_predictor(keras.Model(model.input, model.backbone.output))
    start = time.perf_counter()
    for images, _ in split.batches(model.image_size):
        network(np.asarray(images, "float32"))
    for images, *_ in views.batches(split, model.image_size):
        network(images)
    return time.perf_counter() - start
