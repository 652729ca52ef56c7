"""The logits of a model on a labelled split, and their scores."""

import keras
import numpy as np
from keras import ops

from keras_crosspool.data import image_batches
from keras_crosspool.keras_backend import batch_predictor
from keras_crosspool.progress import track
from keras_crosspool.targets import task_of


def predict_logits(model, split, image_size, batch_size=32):
    """Runs a model over a split.

    Args:
        model: `keras.Model`, RGB 0-255 in, logits out.
        split: `Split`.
        image_size: int, side in pixels.
        batch_size: int. Defaults to `32`.

    Returns:
        `logits`, float32 `(n, num_classes)`, and `labels`, int `(n,)` or multi-hot
        `(n, num_classes)`.
    """
    return _run(batch_predictor(model), split, image_size, batch_size)


def predict_logits_of_each(models, split, image_size, batch_size=32):
    """Runs models that share their input and layers over a split, in one pass.

    Args:
        models: dict, name to `CrossPoolClassifier`.
        split: `Split`.
        image_size: int, side in pixels.
        batch_size: int. Defaults to `32`.

    Returns:
        dict, name to logits, and the labels, as `predict_logits` gives them.
    """
    branches = {branch.name: branch.descriptor for m in models.values() for branch in m.branches}
    extractor = batch_predictor(keras.Model(next(iter(models.values())).input, branches))

    def logits(images):
        descriptors = extractor(images)
        parts = {name: [descriptors[b.name] for b in m.branches] for name, m in models.items()}
        return {
            name: ops.convert_to_numpy(models[name].classifier(np.concatenate(rows, axis=1)))
            for name, rows in parts.items()
        }

    return _run(logits, split, image_size, batch_size)


def _run(function, split, image_size, batch_size):
    """What a function of images gives for a split, an array or a dict of such; and the labels."""
    outputs, labels = [], []
    batches = image_batches(split, image_size, batch_size)
    for images, batch_labels in track(batches, f"predicting {split.name}"):
        outputs.append(function(np.asarray(images, "float32")))
        labels.append(np.asarray(batch_labels))
    joined = keras.tree.map_structure(lambda *parts: np.concatenate(parts), *outputs)
    return joined, np.concatenate(labels)


def score(logits, labels, class_names, coarse_names=None, thresholds=None):
    """Scores logits against labels, as the labels' task does.

    Args:
        logits: float `(n, num_classes)`.
        labels: int `(n,)`, or multi-hot `(n, num_classes)`.
        class_names: sequence of str, in the order of the logits.
        coarse_names: mapping from class to coarse class; it must name every class. Multi-label
            scores have none. Defaults to none.
        thresholds: float `(num_classes,)`, the probability from which on a label of several is
            said to be there. Defaults to one half.

    Returns:
        `SingleLabelScores` or `MultiLabelScores`.

    Raises:
        ValueError: if a class has no coarse class, or no image of several labels has any.

    Example:

    >>> logits = np.array([[3.0, 1.0, 0.0], [2.0, 1.0, 0.0]])
    >>> scores = score(logits, np.array([0, 1]), ["pear", "plum", "milk"],
    ...                {"pear": "fruit", "plum": "fruit", "milk": "dairy"})
    >>> scores.top1, scores.coarse_top1
    (0.5, 1.0)
    >>> score(logits, np.array([[1, 1, 0], [1, 0, 0]]), ["pear", "plum", "milk"]).classes["plum"]
    {'average_precision': 0.5, 'precision': 0.5, 'recall': 1.0, 'f1': 0.666..., 'images': 1}
    """
    return task_of(labels).score(logits, labels, class_names, coarse_names, thresholds)
