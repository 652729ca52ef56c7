"""Label quality by confident learning: which labels are probably wrong, and what they should be."""

import dataclasses

import numpy as np

_FILTER = "low_self_confidence"
_SURELY_WRONG = 0.02  # probability of the label; counted too where all else is far surer


@dataclasses.dataclass(frozen=True)
class LabelQuality:
    """How far the labels of `n` images can be trusted.

    Attributes:
        scores: float `(n,)`, 0-1, the probability of the label that is given; of several labels
            the lowest over what is said and not said to be there. Lower is more doubtful.
        doubtful: bool `(n,)`, whether the label is probably wrong.
        classes: int `(n,)`, what the image shows more probably; of several labels the one
            whose being there or not is most doubtful.
    """

    scores: np.ndarray
    doubtful: np.ndarray
    classes: np.ndarray


def label_quality(probabilities, labels):
    """Judges labels by probabilities of classifiers that were not trained on the images.

    Args:
        probabilities: float `(n, num_classes)`.
        labels: int `(n,)`, each class of which occurs, or multi-hot `(n, num_classes)`.

    Returns:
        `LabelQuality`.

    Reference:
        Northcutt, Jiang and Chuang, "Confident Learning: Estimating Uncertainty in Dataset
        Labels", Journal of Artificial Intelligence Research 70, 2021, by cleanlab: as many labels
        are doubtful as the confident joint counts, those with the lowest probability. A label of a
        probability below 0.02 is doubtful in any case.
    """
    if labels.ndim == 2:
        return _quality_of_several(probabilities, labels)
    from cleanlab.rank import get_label_quality_scores

    scores = get_label_quality_scores(labels, probabilities, method="self_confidence")
    sure = (scores < _SURELY_WRONG) & (probabilities.max(axis=1) > 0.5)
    doubtful = _doubtful(probabilities, labels) | sure
    # One image of a class leaves nothing that could say what the class looks like.
    doubtful &= np.bincount(labels, minlength=probabilities.shape[1])[labels] > 1
    best = probabilities.argmax(axis=1)
    return LabelQuality(np.asarray(scores), doubtful & (best != labels), best)


def _quality_of_several(probabilities, labels):
    """Each pair of an image and a label is judged by itself, as a label that is there or not."""
    pairs = np.where(labels > 0, probabilities, 1 - probabilities)
    doubtful = np.zeros(labels.shape, bool)
    for index, column in enumerate(labels.T):
        if 1 < column.sum() < len(column) - 1:
            chances = np.stack([1 - probabilities[:, index], probabilities[:, index]], axis=1)
            doubtful[:, index] = _doubtful(chances, column.astype(int)) & (pairs[:, index] < 0.5)
            doubtful[:, index] |= pairs[:, index] < _SURELY_WRONG
    # A doubtful pair stands before one that is not.
    worst = np.where(doubtful, pairs - 1, pairs).argmin(axis=1)
    return LabelQuality(pairs.min(axis=1), doubtful.any(axis=1), worst)


def _doubtful(probabilities, labels):
    from cleanlab.filter import find_label_issues

    return find_label_issues(labels, probabilities, filter_by=_FILTER, n_jobs=1)
