"""The descriptors by which an audit tells images apart, from one pass of the network."""

import dataclasses

import numpy as np

from keras_crosspool.closed_form.fit import adapt_head, compute_descriptors
from keras_crosspool.closed_form.options import SolverOptions
from keras_crosspool.data.pipeline import even_order
from keras_crosspool.models.classifier import CrossPoolClassifier
from keras_crosspool.models.directory import load

_BACKBONE = "efficientnet_lite0"
_TO_ADAPT = 32  # images, each of 25 windows; with 128 wrong labels were found no better
_CHANNELS_AN_IMAGE = 16


@dataclasses.dataclass(frozen=True)
class Described:
    """The descriptors of `n` images, as far as an audit needs them.

    Attributes:
        gram: float `(n, n)`, inner products of the model's descriptors.
        averages: float32 `(n, dims)`, the averages over positions.
    """

    gram: np.ndarray
    averages: np.ndarray


def describe_images(photographs, model=None, batch_size=32):
    """Computes the descriptors of all images.

    Args:
        photographs: `Photographs`.
        model: `CrossPoolClassifier`, or path of a model directory. Defaults to scheme 1 on
            EfficientNetLite0, its head adapted to images of the split `train`, if there is one.
        batch_size: int. Defaults to `32`.

    Returns:
        `Described`.

    Raises:
        ValueError: if the directory is no model directory, or the memory does not suffice.
    """
    images = photographs.images
    if model is None:
        model = _adapted_model(photographs, batch_size)
    elif not isinstance(model, CrossPoolClassifier):
        model = load(model)
    baseline = model.baseline()
    found = compute_descriptors(
        [model, baseline],
        images,
        model.image_size,
        batch_size,
        solver=SolverOptions(form="gram"),
    ).branches
    grams = [found[branch.name].gram() for branch in model.branches]
    (average,) = baseline.branches
    return Described(sum(grams), np.asarray(found[average.name].descriptors))


def _adapted_model(photographs, batch_size):
    images = photographs.images
    model = CrossPoolClassifier.from_backbone(
        _BACKBONE,
        images.class_names,
        task=images.task.name,
        feature_channels=min(256, _CHANNELS_AN_IMAGE * images.size),
    )
    of_train = np.array([split == "train" for split in photographs.splits])
    chosen = np.flatnonzero(of_train) if of_train.any() else np.arange(images.size)
    drawn = chosen[even_order(images.labels[chosen])[:_TO_ADAPT]]
    adapt_head(model, images.chosen(np.sort(drawn), images.name), model.image_size, batch_size)
    return model
