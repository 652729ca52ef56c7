"""The closed-form fit: projection, guidance and classifier without a gradient."""

import dataclasses
import math

import keras
import numpy as np
from absl import logging

from keras_crosspool.data import picture_batches
from keras_crosspool.layers import GuidanceSelection, LocalRegions
from keras_crosspool.models.zoo import descriptor_of
from keras_crosspool.progress import track
from keras_crosspool.solvers import solve_classifier
from keras_crosspool.training.views import Views

WHOLE_PICTURES = Views()


@dataclasses.dataclass(frozen=True)
class Descriptors:
    """Descriptors of a split, of several models that share one backbone.

    Attributes:
        rows: list of float32 `(views x pictures, dims)`, one array a model.
        labels: int `(views x pictures,)`, or multi-hot `(views x pictures, num_classes)`.
        pictures: int `(views x pictures,)`, the picture each row comes from, or its group: what
            has to stay together in cross-validation.
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
        maps = _outputs(maps_of, np.asarray(pictures, "float32"))
        for layer, layer_maps in zip(layers, maps, strict=True):
            layer.update_state(layer_maps)
    for layer in layers:
        layer.finalize_state()


def describe(models, split, image_size, batch_size=32, views=WHOLE_PICTURES):
    """Runs the views of a split through models that share one backbone.

    Args:
        models: list of zoo models on the same backbone.
        split: `Split`.
        image_size: int, side in pixels.
        batch_size: int. Defaults to `32`.
        views: `Views`. Defaults to the whole pictures.

    Returns:
        `Descriptors`, in the order of `views.batches`.
    """
    outputs = [descriptor_of(model) for model in models]
    extractor = keras.Model(models[0].input, outputs)
    total = views.count * split.size
    rows = [np.empty((total, x.shape[-1]), "float32") for x in outputs]
    logging.info("descriptors take %.2f GB of memory", sum(x.nbytes for x in rows) / 1e9)
    labels = np.empty((total, *split.task.label_shape(len(split.class_names))), int)
    pictures = np.empty(total, int)
    groups = np.array(split.groups or range(split.size))
    start = 0
    batches = views.batches(split, image_size, batch_size)
    for shown, batch_labels, indices in track(
        batches, "descriptors", total=views.count * math.ceil(split.size / batch_size)
    ):
        place = slice(start, start + len(shown))
        for target, batch in zip(rows, _outputs(extractor, shown), strict=True):
            target[place] = batch
        labels[place], pictures[place] = batch_labels, groups[indices]
        start += len(shown)
    return Descriptors(rows, labels, pictures)


def solve_models(models, split, image_size, method="ridge", batch_size=32, views=WHOLE_PICTURES):
    """Solves the classifiers of models that share one backbone and writes them in.

    Args:
        models: list of zoo models on the same backbone.
        split: `Split` of training pictures.
        image_size: int, side in pixels.
        method: `"ridge"` or `"svm"`. Defaults to `"ridge"`.
        batch_size: int. Defaults to `32`.
        views: `Views` of the training pictures. Defaults to the whole pictures.

    Returns:
        List of `LinearClassifier`, one a model.
    """
    described = describe(models, split, image_size, batch_size, views)
    classifiers = []
    for model, rows in zip(models, described.rows, strict=True):
        classifier = solve_classifier(
            rows, described.labels, model.output_shape[-1], method, described.pictures
        )
        model.get_layer("logits").set_weights([classifier.kernel, classifier.bias])
        classifiers.append(classifier)
    return classifiers


def _outputs(model, pictures):
    # Keras unpacks a list of one output.
    return keras.tree.flatten(model.predict_on_batch(pictures))
