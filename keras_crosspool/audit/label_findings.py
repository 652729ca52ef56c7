"""What an audit says of labels: one score an image, and a finding where the label is doubtful."""

import dataclasses

import numpy as np

from keras_crosspool.audit.finding import Finding


@dataclasses.dataclass(frozen=True)
class ImageScore:
    """How far the label of one image can be trusted.

    Attributes:
        file: str, the image, named from the data folder on.
        split: str.
        classes: tuple of str, its labels.
        label: float, 0-1; lower is more doubtful.
        suggested: str, the class that it shows more probably, or the label to add or to take away;
            empty where nothing is to be changed.
    """

    file: str
    split: str
    classes: tuple[str, ...]
    label: float
    suggested: str


def image_scores(quality, photographs):
    """The score of every image.

    Args:
        quality: `LabelQuality`.
        photographs: `Photographs`.

    Returns:
        tuple of `ImageScore`.
    """
    names = photographs.images.class_names
    return tuple(
        ImageScore(
            file,
            photographs.splits[index],
            photographs.classes_of(index),
            float(quality.scores[index]),
            names[quality.classes[index]] if quality.doubtful[index] else "",
        )
        for index, file in enumerate(photographs.files)
    )


def label_findings(quality, photographs, averages):
    """What to do about doubtful labels.

    Args:
        quality: `LabelQuality`.
        photographs: `Photographs`.
        averages: float `(n, dims)`, descriptors by which an image of the other class is found.

    Yields:
        `Finding`.
    """
    images = photographs.images
    targets = images.labels if images.labels.ndim == 2 else _one_hot(images)
    unit = averages / np.maximum(np.linalg.norm(averages, axis=1, keepdims=True), 1e-12)
    for row in np.flatnonzero(quality.doubtful):
        other = quality.classes[row]
        advice = _advice(images, row, images.class_names[other], targets[row, other])
        shown = _most_alike(unit, row, (targets[:, other] > 0) & ~quality.doubtful)
        beside = "" if shown is None else photographs.files[shown]
        yield Finding("label", photographs.files[row], float(quality.scores[row]), beside, advice)


def _advice(images, row, other, is_there):
    if images.labels.ndim == 1:
        given = images.class_names[images.labels[row]]
        return f"Look at it: labelled {given}, it looks like {other}. Correct it, or keep it."
    if is_there:
        return f"Look at it: it does not look like {other}. Take the label away, or keep it."
    return f"Look at it: it looks like {other} too. Add the label, or leave it."


def _most_alike(unit, row, candidates):
    """The most alike image among candidates, itself left out; `None` without any."""
    found = np.flatnonzero(candidates)
    found = found[found != row]
    return int(found[(unit[found] @ unit[row]).argmax()]) if len(found) else None


def _one_hot(images):
    return np.eye(len(images.class_names), dtype=int)[images.labels]
