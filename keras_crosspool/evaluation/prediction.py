"""Predictions for single images, ranked and explained."""

import dataclasses

import numpy as np

from keras_crosspool.data import MAX_MEGAPIXELS, read_images
from keras_crosspool.evaluation.contributions import position_contributions
from keras_crosspool.evaluation.drawing import drawable
from keras_crosspool.evaluation.heat_map import heat_map, strongest_regions
from keras_crosspool.evaluation.plots import plot_explanations
from keras_crosspool.names import readable
from keras_crosspool.targets import TARGETS

_SHOWN_CLASSES = 2  # the best class and its runner-up


@dataclasses.dataclass(frozen=True)
class Prediction:
    """What a model says of one image.

    Attributes:
        path: str, the file.
        image: uint8 `(image_size, image_size, 3)`, as the model saw it.
        class_names: tuple of str.
        logits: float32 `(num_classes,)`.
        probabilities: float32 `(num_classes,)`, the softmax of the logits, or the sigmoid for
            several labels an image.
        thresholds: tuple of float, the probability from which on each label is said to be there;
            `None` for one class an image.
        refused: bool, whether the model says that it is none of the classes. Defaults to `False`.
    """

    path: str
    image: np.ndarray
    class_names: tuple[str, ...]
    logits: np.ndarray
    probabilities: np.ndarray
    thresholds: tuple[float, ...] | None = None
    refused: bool = False

    def ranked(self):
        """`(class, probability, logit)` of every class, the most likely first."""
        order = np.argsort(-self.logits, kind="stable")
        return [
            (self.class_names[i], float(self.probabilities[i]), float(self.logits[i]))
            for i in order
        ]

    def listed(self, top):
        """What to tell of the image, ranked: the best `top` classes, or the labels it has."""
        if self.thresholds is None:
            return self.ranked()[:top]
        limits = dict(zip(self.class_names, self.thresholds, strict=True))
        return [row for row in self.ranked() if row[1] >= limits[row[0]]]

    def to_dict(self):
        """The prediction as plain data, for JSON; `labels` is what the model says is there.

        They are none where the image is none of the classes.
        """
        ranked = [
            {"class": name, "probability": probability, "logit": logit}
            for name, probability, logit in self.ranked()
        ]
        labels = [] if self.refused else [name for name, *_ in self.listed(1)]
        return {
            "path": self.path,
            "labels": labels,
            "none_of_the_classes": self.refused,
            "classes": ranked,
        }


def predict_images(model, metadata, paths, skip_broken=False, max_megapixels=MAX_MEGAPIXELS):
    """Predicts image files, one after the other.

    Args:
        model: `keras.Model`, RGB 0-255 in, logits out.
        metadata: its `ModelMetadata`.
        paths: list of paths.
        skip_broken: bool, whether images that cannot be used are left out instead of stopping.
            Defaults to `False`.
        max_megapixels: float, the largest image that is decoded. Defaults to `MAX_MEGAPIXELS`.

    Returns:
        List of `Prediction`.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if one is no whole image.
    """
    images = read_images(paths, metadata.image_size, skip_broken, max_megapixels)
    return [predict_image(model, metadata, path, image) for path, image in images]


def predict_image(model, metadata, path, image):
    """Predicts an image that is decoded.

    Args:
        model: `keras.Model`, RGB 0-255 in, logits out.
        metadata: its `ModelMetadata`.
        path: path of the file, or another name of the image.
        image: uint8 `(image_size, image_size, 3)`, RGB.

    Returns:
        `Prediction`.
    """
    logits = model.predict_on_batch(image[None].astype("float32"))[0]
    rejection = metadata.rejection
    return Prediction(
        readable(path),
        image,
        metadata.class_names,
        logits,
        TARGETS[metadata.task].probabilities(logits),
        metadata.thresholds,
        refused=bool(rejection and rejection.refuses(logits[None])[0]),
    )


def explain(model, metadata, predictions, path):
    """Writes heat maps of what each position contributed to the best class and the runner-up.

    On a model with a region grid the three regions that spoke most for a class are outlined.

    Args:
        model: zoo model with cross-layer pooling.
        metadata: its `ModelMetadata`.
        predictions: list of `Prediction`.
        path: path of the image to write, or a binary file, which gets a PNG.

    Raises:
        ValueError: if the model has no cross-layer pooling.
    """
    images = np.stack([p.image for p in predictions])
    classes = np.stack([np.argsort(-p.logits, kind="stable")[:_SHOWN_CLASSES] for p in predictions])
    contributions, rest = position_contributions(model, images.astype("float32"), classes)
    positions = sum(values.sum(axis=(2, 3)) for values in contributions.values())
    names = [drawable(name) for name in metadata.class_names]
    titles = [
        [
            f"{names[c]}\nlogit {p.logits[c]:.2f} = positions {s:.2f} + rest {r:.2f}"
            for c, s, r in zip(*rows, strict=True)
        ]
        for p, *rows in zip(predictions, classes, positions, rest, strict=True)
    ]
    maps = heat_map(model, contributions)
    plot_explanations(images, maps, titles, strongest_regions(model, contributions), path)
