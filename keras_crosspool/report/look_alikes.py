"""Pairs of photographs that a model mixes up, each with the heat maps of both classes."""

import dataclasses
import pathlib

import numpy as np

from keras_crosspool.evaluation import position_contributions
from keras_crosspool.evaluation.heat_map import heat_map
from keras_crosspool.evaluation.overlay import overlay, resized
from keras_crosspool.evaluation.plots import most_confused
from keras_crosspool.models.grid_branch import GridBranch
from keras_crosspool.models.window_branch import WindowBranch
from keras_crosspool.targets import SINGLE_LABEL, TARGETS

_MOST_PAIRS = 6
SIDE = 160  # pixels of a photograph on the page


@dataclasses.dataclass(frozen=True)
class HeatMap:
    """Where a photograph speaks for a class, orange, and against it, blue.

    Attributes:
        class_name: str.
        logit: float.
        image: uint8 `(side, side, 3)`.
    """

    class_name: str
    logit: float
    image: np.ndarray


@dataclasses.dataclass(frozen=True)
class Explained:
    """A photograph and why the model answers as it does.

    Attributes:
        file: str.
        words: str, what it is and what the model says.
        image: uint8 `(side, side, 3)`.
        heat_maps: tuple of `HeatMap`; empty for a model that averages over positions.
    """

    file: str
    words: str
    image: np.ndarray
    heat_maps: tuple[HeatMap, ...]


@dataclasses.dataclass(frozen=True)
class LookAlike:
    """Two classes that are mixed up, or a label that is seen where it is not.

    Attributes:
        heading: str.
        words: str, how often.
        wrong: `Explained`, the surest mistake.
        right: `Explained`, the surest right answer of the class that was said; `None` without any.
    """

    heading: str
    words: str
    wrong: Explained
    right: Explained | None


@dataclasses.dataclass(frozen=True)
class _Chosen:
    """A pair of photographs before they are read: indices of images and of the classes to show."""

    heading: str
    words: str
    wrong: tuple[int, str]
    right: tuple[int, str] | None
    classes: tuple[int, ...]


def look_alikes(model, metadata, split, logits, labels):
    """The classes that are mixed up most, each with two photographs side by side.

    The mistake that the model is surest of stands beside the photograph that it is surest of among
    the right answers of the same class. Of several labels an image, the labels with the lowest
    average precision are shown: the surest image without the label, and the surest with it.

    Args:
        model: `CrossPoolClassifier`.
        metadata: its `ModelMetadata`.
        split: `Split`.
        logits: float `(n, num_classes)`.
        labels: int `(n,)`, or multi-hot `(n, num_classes)`.

    Returns:
        tuple of at most six `LookAlike`.
    """
    task = TARGETS[metadata.task]
    choose = _of_one_class if task is SINGLE_LABEL else _of_several_labels
    chosen = list(choose(metadata.class_names, logits, labels, task.probabilities(logits)))
    if not chosen:
        return ()
    shown = [(*each, pair.classes) for pair in chosen for each in (pair.wrong, pair.right) if each]
    explained = iter(_explained(model, metadata, split, logits, shown))
    return tuple(
        LookAlike(pair.heading, pair.words, next(explained), pair.right and next(explained))
        for pair in chosen
    )


def _of_one_class(names, logits, labels, probabilities):
    predicted = logits.argmax(axis=1)
    for first, second, indices in most_confused(logits, labels, _MOST_PAIRS):
        indices = np.array(indices)
        wrong = indices[probabilities[indices, predicted[indices]].argmax()]
        true, said = labels[wrong], predicted[wrong]
        same = int(np.sum(labels[indices] == true))
        words = f"{same} of {names[true]} taken for {names[said]}"
        if same < len(indices):
            words += f", {len(indices) - same} the other way round"
        right = np.flatnonzero((labels == said) & (predicted == said))
        yield _Chosen(
            heading=f"{names[first]} and {names[second]}",
            words=words,
            wrong=(int(wrong), f"{names[true]}, taken for {names[said]}"),
            right=_surest(right, probabilities[:, said], f"{names[said]}, told right"),
            classes=(int(said), int(true)),
        )


def _of_several_labels(names, logits, labels, probabilities):
    from keras_crosspool.targets.multi_label_scores import average_precisions

    precisions = average_precisions(logits, labels)
    order = np.argsort(precisions, kind="stable")
    mixed = [int(i) for i in order if precisions[i] < 1]  # nor is NaN, of a label without images
    for label in mixed[:_MOST_PAIRS]:
        without, having = (np.flatnonzero(labels[:, label] == has) for has in (0, 1))
        column = probabilities[:, label]
        yield _Chosen(
            heading=names[label],
            words=f"average precision {precisions[label]:.3f}",
            wrong=_surest(without, column, f"without {names[label]}, the surest of those"),
            right=_surest(having, column, f"with {names[label]}, the surest of those"),
            classes=(label,),
        )


def _surest(indices, probabilities, words):
    """The index with the largest probability, and words; `None` of no indices."""
    if not len(indices):
        return None
    return int(indices[probabilities[indices].argmax()]), words


def _explained(model, metadata, split, logits, shown):
    """`Explained` of `(index, words, classes)`, all in one run of the model."""
    indices = [index for index, *_ in shown]
    images = split.images_at(indices, metadata.image_size)
    maps = _maps(model, images, np.array([classes for *_, classes in shown]))
    for image, heats, (index, words, classes) in zip(images, maps, shown, strict=True):
        limit = max((np.abs(heat).max() for heat in heats), default=0)  # one scale a photograph
        yield Explained(
            file=_within(split.root, split.names[index]),
            words=words,
            image=resized(image, SIDE),
            heat_maps=tuple(
                HeatMap(
                    metadata.class_names[number],
                    float(logits[index, number]),
                    overlay(image, heat, limit, SIDE),
                )
                for number, heat in zip(classes, heats, strict=False)
            ),
        )


def _within(root, name):
    """The name of a file from the folder of the data on."""
    path = pathlib.PurePath(name)
    return path.relative_to(root).as_posix() if root and path.is_relative_to(root) else name


def _maps(model, images, classes):
    """Heat maps `(n, shown, rows, columns)`; none where the model averages over positions."""
    if not all(isinstance(branch, WindowBranch | GridBranch) for branch in model.branches):
        return np.empty((len(images), 0, 1, 1))
    contributions, _ = position_contributions(model, images.astype("float32"), classes)
    return heat_map(model, contributions)
