"""The closed-form fit: projection, guidance and classifier without a gradient."""

import dataclasses

import keras
import numpy as np
from absl import logging

from keras_crosspool.data import picture_batches
from keras_crosspool.layers import GuidanceSelection, LocalRegions
from keras_crosspool.models.zoo import descriptor_of
from keras_crosspool.progress import track
from keras_crosspool.solvers import solve_classifier


@dataclasses.dataclass(frozen=True)
class Descriptors:
    """Descriptors of a split, of several models that share one backbone.

    Attributes:
        rows: list of float32 `(views * pictures, dims)`, one array a model.
        labels: int `(views * pictures,)`.
        pictures: int `(views * pictures,)`, the picture each row comes from.
    """

    rows: list
    labels: np.ndarray
    pictures: np.ndarray


def adapt_head(model, split, image_size, batch_size=32):
    """Fits the PCA of the regions and selects the guidance, in one pass over a split.

    Args:
        model: zoo model; one without such layers is left as it is.
        split: `Split` of training pictures.
        image_size: int, side in pixels.
        batch_size: int. Defaults to `32`.
    """
    layers = [x for x in model.layers if isinstance(x, LocalRegions | GuidanceSelection)]
    if not layers:
        return
    maps_of = keras.Model(model.input, [layer.input for layer in layers])
    for pictures, _ in track(
        picture_batches(split, image_size, batch_size), "principal components"
    ):
        for layer, maps in zip(layers, maps_of.predict_on_batch(_float(pictures)), strict=True):
            layer.update_state(maps)
    for layer in layers:
        layer.finalize_state()


def describe(models, split, image_size, batch_size=32, mirror=False):
    """Runs a split through models that share one backbone, in one pass.

    Args:
        models: list of zoo models on the same backbone.
        split: `Split`.
        image_size: int, side in pixels.
        batch_size: int. Defaults to `32`.
        mirror: bool, whether the mirror image of each picture is described as well.
            Defaults to `False`.

    Returns:
        `Descriptors`; the mirrored rows follow the others in the same order.
    """
    outputs = [descriptor_of(model) for model in models]
    extractor = keras.Model(models[0].input, outputs)
    views = 2 if mirror else 1
    rows = [np.empty((views * split.size, x.shape[-1]), "float32") for x in outputs]
    logging.info("descriptors take %.2f GB of memory", sum(x.nbytes for x in rows) / 1e9)
    labels = np.empty(views * split.size, int)
    start = 0
    for pictures, batch_labels in track(
        picture_batches(split, image_size, batch_size), "descriptors"
    ):
        pictures = _float(pictures)
        for view in range(views):
            offset = view * split.size + start
            shown = pictures[:, :, ::-1] if view else pictures
            for target, batch in zip(rows, extractor.predict_on_batch(shown), strict=True):
                target[offset : offset + len(batch)] = batch
            labels[offset : offset + len(pictures)] = batch_labels
        start += len(pictures)
    return Descriptors(rows, labels, np.tile(np.arange(split.size), views))


def solve_models(models, split, image_size, method="ridge", batch_size=32, mirror=False):
    """Solves the classifiers of models that share one backbone and writes them in.

    Args:
        models: list of zoo models on the same backbone.
        split: `Split` of training pictures.
        image_size: int, side in pixels.
        method: `"ridge"` or `"svm"`. Defaults to `"ridge"`.
        batch_size: int. Defaults to `32`.
        mirror: bool, whether mirror images are training pictures too. Defaults to `False`.

    Returns:
        List of `LinearClassifier`, one a model.
    """
    described = describe(models, split, image_size, batch_size, mirror)
    classifiers = []
    for model, rows in zip(models, described.rows, strict=True):
        classifier = solve_classifier(
            rows, described.labels, model.output_shape[-1], method, described.pictures
        )
        model.get_layer("logits").set_weights([classifier.kernel, classifier.bias])
        classifiers.append(classifier)
    return classifiers


def _float(pictures):
    return np.asarray(pictures, "float32")
