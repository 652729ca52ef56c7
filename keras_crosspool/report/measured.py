"""What a model does on a labelled split, gathered for the page."""

import dataclasses

import numpy as np

from keras_crosspool.evaluation import score
from keras_crosspool.evaluation.unknown import UnknownScores
from keras_crosspool.numerics.calibration import answered_curve, calibration_error, reliability
from keras_crosspool.numerics.intervals import score_interval
from keras_crosspool.report.look_alikes import LookAlike, look_alikes
from keras_crosspool.sessions import with_sessions_if_found
from keras_crosspool.targets import SINGLE_LABEL, TARGETS
from keras_crosspool.targets.multi_label_scores import MultiLabelScores
from keras_crosspool.targets.single_label_scores import SingleLabelScores


@dataclasses.dataclass(frozen=True)
class Measured:
    """What a model does on a labelled split.

    Attributes:
        split: str.
        is_validation: bool, whether it is the one that training validated with.
        scores: `SingleLabelScores` or `MultiLabelScores`.
        score: float, the one of them that counts; on the split that training validated with, that
            of model.json.
        interval: pair of float, its 95 % interval; `None` where sessions are too
            few, or score alike.
        counted: str, in words what the interval counts.
        note: str, what does not fit model.json; empty where nothing.
        reliability: float `(bins, 3)`, as `keras_crosspool.numerics.calibration.reliability` gives.
        calibration_error: float.
        answered: float `(n, 2)`, the shares answered and right, the surest first; `None` for
            several labels an image.
        look_alikes: tuple of `LookAlike`.
        unknown: `UnknownScores`, `None` where no images of none of the classes were given.
    """

    split: str
    is_validation: bool
    scores: SingleLabelScores | MultiLabelScores
    score: float
    interval: tuple[float, float] | None
    counted: str
    note: str
    reliability: np.ndarray
    calibration_error: float
    answered: np.ndarray | None
    look_alikes: tuple[LookAlike, ...] = ()
    unknown: UnknownScores | None = None


def measure(model, metadata, split, logits, labels, is_validation=True, unknown=None):
    """Gathers what logits show, without running the model but for a few heat maps.

    Args:
        model: `CrossPoolClassifier`.
        metadata: its `ModelMetadata`.
        split: `Split`.
        logits: float `(n, num_classes)`, of that model.
        labels: int `(n,)`, or multi-hot `(n, num_classes)`.
        is_validation: bool, whether it is the split that training validated with. Defaults to
            `True`.
        unknown: `UnknownScores`. Defaults to none.

    Returns:
        `Measured`.
    """
    task = TARGETS[metadata.task]
    scores = score(logits, labels, metadata.class_names, thresholds=metadata.thresholds)
    found = scores.metrics()[task.metric]
    recorded = metadata.scores.validation.get(task.metric) if is_validation else None
    interval, counted = _interval(task, logits, labels, split)
    confidences, right = _answers(task, logits, labels)
    single = task is SINGLE_LABEL
    return Measured(
        split=split.name,
        is_validation=is_validation,
        scores=scores,
        score=found if recorded is None else recorded,
        interval=interval,
        counted=counted,
        note=_note(recorded, found, len(labels)),
        reliability=reliability(confidences, right),
        calibration_error=calibration_error(confidences, right),
        answered=answered_curve(confidences, right) if single else None,
        look_alikes=look_alikes(model, metadata, split, logits, labels),
        unknown=unknown,
    )


def _answers(task, logits, labels):
    """How sure the model is of each thing that it says, and whether that is so.

    Of one class an image that is the best class, of several labels each label of each image.
    """
    probabilities = task.probabilities(np.asarray(logits, "float64"))
    if task is SINGLE_LABEL:
        return probabilities.max(axis=1), logits.argmax(axis=1) == labels
    return probabilities.ravel(), labels.ravel().astype(bool)


def _interval(task, logits, labels, split):
    """The interval of the score, and in words what it counts: sessions, where they are known."""
    split = with_sessions_if_found(split)
    groups = np.array(split.groups or range(split.size))

    def measure(rows):
        return task.measure(logits[rows], labels[rows])

    interval = score_interval(measure, groups, is_share=task is SINGLE_LABEL)
    if split.groups:
        return interval, f"counted by their {len(set(split.groups))} sessions ({split.grouped_by})"
    return interval, "each photograph counted by itself"


def _note(recorded, found, images):
    """What to say where the images give another score than training wrote down."""
    if recorded is None or abs(recorded - found) <= 1.01 / images:  # one image of rounding
        return ""
    return (
        f"model.json says {recorded:.4f}, and these photographs now give {found:.4f}: they are "
        "not those of the training run any more, or read in another way. Tables and curves below "
        "are of the photographs as they are now."
    )
