"""How far an artefact's logits are from the Keras model's, and how far they may be."""

import dataclasses

import numpy as np

from keras_crosspool.targets import task_of

_ROUNDING = 1e-6


@dataclasses.dataclass(frozen=True)
class Tolerance:
    """What a precision may cost. Fixed before anything is measured.

    Args:
        max_abs: largest difference of a logit, as a part of the range of the reference's logits.
        cosine_worst: least cosine over the images.
        cosine_median: least median cosine.
        agreement: least agreement of what both say: the part of the images with the same best
            class, or the Dice coefficient of the labels above their thresholds. One image may
            always differ.
        score_drop: most accuracy, or mean average precision, lost on the labelled images, if it
            is more than one image.
    """

    max_abs: float
    cosine_worst: float
    cosine_median: float
    agreement: float
    score_drop: float


# Set from what healthy models lose (EfficientNet-Lite0 with 16 and with 81 classes), so that
# swapped colours, images scaled to 0-1, noise on the weights and an early layer that lost an
# eighth of its channels are each beyond all of them: tests/export/test_parity.py shows it.
TOLERANCES = {
    "float32": Tolerance(0.001, 0.9999, 0.99999, 0.98, 0.01),
    "float16": Tolerance(0.02, 0.999, 0.9999, 0.95, 0.02),
    "bfloat16": Tolerance(0.12, 0.95, 0.99, 0.9, 0.04),
    "dynamic": Tolerance(0.12, 0.93, 0.985, 0.88, 0.05),
    "int8": Tolerance(0.15, 0.9, 0.98, 0.85, 0.05),
}

# The root of sums near zero makes more of float16's rounding than logits do: EfficientNet-Lite0
# loses 0.00013 of the median cosine. Weights with 2 % of noise lose 0.09.
DESCRIPTOR_TOLERANCES = TOLERANCES | {"float16": Tolerance(0.02, 0.999, 0.9995, 0.95, 0.02)}


@dataclasses.dataclass(frozen=True)
class ParityResult:
    """The comparison of one artefact with the reference. It is true when it passed.

    An embedder's descriptors are compared like the logits of a classifier.

    The cosine is taken between logits less the reference's mean logits over the images. What
    all images share says nothing about the image, and it would hide damage: on a solved model
    with the colours swapped, 54% of the answers change and the plain cosine still has a median
    of 0.97, this one of 0.65.

    Attributes:
        compared: int, number of images compared.
        max_abs: float, largest difference of a logit.
        max_abs_of_range: float, the same as a part of the range of the reference's logits.
        mean_abs: float, mean difference of a logit.
        cosine: dict with the quantiles `worst`, `p10` and `median`.
        agreement: float, how far both say the same, see `Tolerance`.
        top5_agreement: float, part of the images whose best class is among the reference's five.
        metric: str, what the scores are: `accuracy`, or `mean_average_precision` where images
            have several labels.
        reference_score: float, of the reference on these labelled images.
        score: float, of the artefact on them.
        not_finite: int, how many logits are NaN or infinite.
        tolerance: `Tolerance` it was held to.
        batch_sizes: tuple of int, the batches in which they were run; where there are several,
            this is the worst of their results.
    """

    compared: int
    max_abs: float
    max_abs_of_range: float
    mean_abs: float
    cosine: dict
    agreement: float
    top5_agreement: float
    metric: str
    reference_score: float
    score: float
    not_finite: int
    tolerance: Tolerance
    batch_sizes: tuple[int, ...] = ()

    @classmethod
    def measure(cls, reference, logits, labels, tolerance, thresholds=None):
        """Compares two sets of logits.

        Args:
            reference: `(n, classes)` array, the reference's logits.
            logits: `(n, classes)` array, the artefact's.
            labels: int array `(n,)`, or multi-hot `(n, classes)`.
            tolerance: `Tolerance`.
            thresholds: float `(classes,)`, the probability from which on each of several labels
                is said to be there. Defaults to one half.

        Returns:
            `ParityResult`.
        """
        reference, logits, not_finite = _as_numbers(reference, logits)
        task = task_of(labels)
        return cls(
            compared=len(reference),
            **_differences(reference, logits),
            cosine=_cosine_quantiles(reference, logits),
            agreement=task.agreement(reference, logits, thresholds),
            top5_agreement=_top5_agreement(reference, logits),
            metric=task.metric,
            reference_score=task.measure(reference, labels),
            score=task.measure(logits, labels),
            not_finite=not_finite,
            tolerance=tolerance,
        )

    @classmethod
    def measure_descriptors(cls, reference, descriptors, labels, tolerance):
        """Compares two sets of descriptors by their cosine and by the images that they find.

        Each image is searched for among the reference's descriptors of the other images, as a
        device searches in an index that Keras made. The differences are those of the similarities
        that it sees, and the answer is the nearest image. Single values of a descriptor say little:
        the root of a sum near zero makes much of its rounding.

        Args:
            reference: `(n, dims)` array, the reference's descriptors.
            descriptors: `(n, dims)` array, the artefact's.
            labels: int array `(n,)`, or multi-hot `(n, classes)`.
            tolerance: `Tolerance`.

        Returns:
            `ParityResult`, whose scores are the share of images whose nearest has their labels.
        """
        reference, descriptors, not_finite = _as_numbers(reference, descriptors)
        expected, found = (_similarities(each, reference) for each in (reference, descriptors))
        nearest, answers = expected.argmax(axis=1), found.argmax(axis=1)
        others = ~np.eye(len(reference), dtype=bool)
        return cls(
            compared=len(reference),
            **_differences(expected[others], found[others]),
            cosine=_cosine_quantiles(reference, descriptors),
            agreement=float(np.mean(nearest == answers)),
            top5_agreement=_top5_agreement(expected, found),
            metric="nearest_neighbour_accuracy",
            reference_score=_same_labels(labels, nearest),
            score=_same_labels(labels, answers),
            not_finite=not_finite,
            tolerance=tolerance,
        )

    @property
    def failures(self):
        """What is beyond the tolerance, as a tuple of sentences; empty when it passed."""
        limit = self.tolerance
        drop = self.reference_score - self.score
        # One image is no evidence, however few there are.
        one = 1.01 / self.compared
        allowed_drop = max(limit.score_drop, one)
        needed_agreement = min(limit.agreement, round(1 - one, 5))
        checks = (
            (self.not_finite > 0, f"{self.not_finite} values are NaN or infinite"),
            _at_most("largest difference / range", self.max_abs_of_range, limit.max_abs),
            _at_least("worst cosine", self.cosine["worst"], limit.cosine_worst),
            _at_least("median cosine", self.cosine["median"], limit.cosine_median),
            _at_least("agreement", self.agreement, needed_agreement),
            _at_most(f"{self.metric.replace('_', ' ')} lost", drop, round(allowed_drop, 5)),
        )
        return tuple(message for failed, message in checks if failed)

    def __bool__(self):
        return not self.failures

    def to_dict(self):
        """The result as plain data for a record."""
        return {
            "status": "passed" if self else "failed",
            **dataclasses.asdict(self),
            "failures": self.failures,
        }


def _as_numbers(reference, values):
    """Both in float64, and how many values are none: those count as far away, not as absent."""
    finite = np.isfinite(values)
    far = np.abs(reference).max() * 1e6 + 1.0
    return reference.astype("float64"), np.where(finite, values, far), int(np.sum(~finite))


def _differences(reference, values):
    error = np.abs(values - reference)
    return {
        "max_abs": float(error.max()),
        "max_abs_of_range": float(error.max() / max(np.ptp(reference), 1e-12)),
        "mean_abs": float(error.mean()),
    }


def _similarities(descriptors, reference):
    """The similarity of each image to each other one; none is similar to itself."""
    itself = np.diag(np.full(len(reference), np.inf))
    return descriptors @ reference.T - itself


def _top5_agreement(reference, scores):
    five = np.argsort(-reference, axis=1)[:, :5]
    return float(np.mean((five == scores.argmax(1)[:, None]).any(1)))


def _same_labels(labels, nearest):
    same = labels == labels[nearest]
    return float(np.mean(same if labels.ndim == 1 else same.all(axis=1)))


def _cosine_quantiles(reference, logits):
    mean = reference.mean(axis=0)
    a, b = reference - mean, logits - mean
    # Deviations that are rounding alone have no direction: two of them agree.
    floor = reference.shape[1] * (_ROUNDING * np.abs(reference).max()) ** 2
    norms = (np.sum(a**2, axis=1) + floor) * (np.sum(b**2, axis=1) + floor)
    cosine = (np.sum(a * b, axis=1) + floor) / np.sqrt(np.maximum(norms, 1e-60))
    quantiles = np.quantile(cosine, (0.0, 0.1, 0.5))
    return dict(zip(("worst", "p10", "median"), map(float, quantiles), strict=True))


def _at_most(what, value, limit):
    return value > limit, f"{what} is {value:.5f}, at most {limit} allowed"


def _at_least(what, value, limit):
    return value < limit, f"{what} is {value:.5f}, at least {limit} needed"
