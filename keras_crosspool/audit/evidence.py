"""What a classifier says of each image that has not seen it, nor, in turn, its session."""

import dataclasses

import numpy as np

from keras_crosspool.numerics.group_out import GroupOutRidge

# Descriptors have unit norm. From 0.03 to 3 wrong labels were found alike.
_ALPHA = 0.3


@dataclasses.dataclass(frozen=True)
class Evidence:
    """Calibrated probabilities of `n` images by classifiers that were not trained on them.

    Attributes:
        of_both: float `(n, num_classes)`, from the mean of the logits without the image alone and
            without its session. The first see a wrong label among right ones of one session; the
            second see a session whose labels are all wrong.
        of_others: float `(n, num_classes)`, without its session: what other photographs get.
    """

    of_both: np.ndarray
    of_others: np.ndarray


def held_out_evidence(gram, labels, num_classes, groups, task):
    """Computes the evidence from the inner products of the descriptors.

    Where a class has one session alone, nothing is known of it without that; there the
    probabilities without the image count.

    Args:
        gram: float `(n, n)`.
        labels: int `(n,)`, or multi-hot `(n, num_classes)`.
        num_classes: int.
        groups: int `(n,)`, the session of each image.
        task: `SINGLE_LABEL` or `MULTI_LABEL`.

    Returns:
        `Evidence`.
    """
    targets = task.targets(labels, num_classes).astype("float64")
    ridge = GroupOutRidge(gram, targets, _ALPHA)
    image_out, session_out = (
        _calibrated(ridge.scores(held_out), labels, task)
        for held_out in (np.arange(len(labels)), groups)
    )
    few = sessions_by_class(targets, groups) < 2
    unknown = np.broadcast_to(few, targets.shape) if labels.ndim == 2 else few[labels][:, None]
    known = np.where(unknown, image_out, session_out)
    both = task.probabilities((image_out + known) / 2)
    return Evidence(both, task.probabilities(session_out))


def sessions_by_class(targets, groups):
    """The number of sessions in which each class is seen.

    Args:
        targets: `(n, num_classes)`, 0 or 1.
        groups: int `(n,)`.

    Returns:
        int `(num_classes,)`.
    """
    return np.array([len(np.unique(groups[column > 0])) for column in np.asarray(targets).T])


def _calibrated(scores, labels, task):
    calibration, _ = task.calibrate(scores, labels)
    return calibration.logits(scores)
