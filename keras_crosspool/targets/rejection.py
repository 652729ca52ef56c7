"""Rejection: when an image is none of the classes, told by its logits."""

import dataclasses
from typing import Annotated

import numpy as np

from keras_crosspool.records import one_of
from keras_crosspool.text import percent


def _margin(logits):
    best = np.sort(logits, axis=1)[:, -2:]
    return best[:, 1] - best[:, 0]


def _energy(logits):
    from scipy.special import logsumexp

    return logsumexp(logits, axis=1)


def _probability(logits):
    from scipy.special import softmax

    return softmax(logits, axis=1).max(axis=1)


# How much an image looks like one of the classes; higher is more. Margin and probability do not see
# what is added to all logits alike: they are not chosen, and known for the records that have them.
CONFIDENCES = {
    "max_logit": lambda logits: logits.max(axis=1),
    "margin": _margin,
    "energy": _energy,
    "probability": _probability,
}
_CHOSEN_FROM = ("max_logit", "energy")
_LEAST_CLASSES = 3  # two of which are left when one is held out


@dataclasses.dataclass(frozen=True)
class Rejection:
    """From when on an image is said to be none of the classes.

    Attributes:
        confidence: str, what is compared with the threshold; a key of `CONFIDENCES`.
        threshold: float; an image with less confidence is refused.
        refused_known: float, the share of images of the classes that are refused wrongly, by
            cross-validation on other sessions.
        accepted_unknown: float, the share of images of classes that were held out whole, so that
            the classifier did not know them, which is not refused; `None` where that was not
            measured.
        auroc: float, how often such an image has less confidence than one of the classes;
            likewise.
        least_probability: float, the largest probability below which as many images of the classes
            are refused, for runtimes that know no other confidence; `None` in records of before.

    Example:

    >>> rejection = Rejection("max_logit", 1.5, refused_known=0.05)
    >>> rejection.refuses(np.array([[0.2, 2.0], [0.4, 1.0]])).tolist()
    [False, True]
    """

    confidence: Annotated[str, one_of(CONFIDENCES)]
    threshold: float
    refused_known: float
    accepted_unknown: float | None = None
    auroc: float | None = None
    least_probability: float | None = None

    def confidences(self, logits):
        """The confidence of each image, `(n,)`, by its logits `(n, num_classes)`."""
        return CONFIDENCES[self.confidence](np.asarray(logits, "float64"))

    def refuses(self, logits):
        """Whether each image is none of the classes, bool `(n,)`."""
        return self.confidences(logits) < self.threshold

    def words(self):
        """What it promises, in a line."""
        known = f"refuses {percent(self.refused_known)} of images of the classes"
        if self.accepted_unknown is None:
            return known
        others = percent(self.accepted_unknown)
        return f"{known} and accepts {others} of others (AUROC {self.auroc:.2f})"


def choose_rejection(known, labels, unknown, rate):
    """Chooses the confidence that tells classes from what is none of them, and its threshold.

    An image whose class was left out has a logit less than the others. More logits alone give more
    confidence, so both are compared without one class: known images without another than theirs,
    which is drawn with a fixed seed.

    Args:
        known: float `(n, num_classes)`, logits of images by a classifier without their session.
        labels: int `(n,)`, their classes.
        unknown: float `(m, num_classes)`, logits of images by a classifier without their class,
            whose own column is `-inf`; `None` where there are none, which leaves the largest logit.
        rate: float, the share of images of the classes that may be refused.

    Returns:
        `Rejection`.

    Reference:
        Liu et al., "Energy-based Out-of-distribution Detection", NeurIPS 2020; Vaze et al.,
        "Open-Set Recognition: A Good Closed-Set Classifier is All You Need", ICLR 2022 (largest
        logit).

    Example:

    >>> known, labels = np.array([[3.0, 0, 0], [0, 4, 1]]), np.array([0, 1])
    >>> choose_rejection(known, labels, np.array([[-np.inf, 0.5, 0]]), rate=0.05).auroc
    1.0
    """
    if unknown is None or known.shape[1] < _LEAST_CLASSES:
        return _at_rate("max_logit", known, rate)
    fewer = _without_another_class(known, labels)
    best = max(_CHOSEN_FROM, key=lambda name: auroc(*_both(name, fewer, unknown)))
    confident, others = _both(best, fewer, unknown)
    return dataclasses.replace(
        _at_rate(best, known, rate),
        accepted_unknown=float(np.mean(others >= np.quantile(confident, rate))),
        auroc=auroc(confident, others),
    )


def _without_another_class(logits, labels):
    """The logits with `-inf` for one class of each image that is not its own."""
    rng = np.random.default_rng(0)
    count = logits.shape[1]
    others = (labels + rng.integers(1, count, len(labels))) % count
    return np.where(np.arange(count) == others[:, None], -np.inf, logits)


def auroc(known, unknown):
    """The area under the ROC curve: how often a known image has the larger confidence."""
    from sklearn.metrics import roc_auc_score

    truth = np.concatenate([np.ones(len(known)), np.zeros(len(unknown))])
    return float(roc_auc_score(truth, np.concatenate([known, unknown])))


def _both(name, known, unknown):
    return CONFIDENCES[name](known), CONFIDENCES[name](unknown)


def _at_rate(name, known, rate):
    confident = CONFIDENCES[name](known)
    threshold = float(np.quantile(confident, rate))
    return Rejection(
        name,
        threshold,
        float(np.mean(confident < threshold)),
        least_probability=float(np.quantile(_probability(known), rate)),
    )
