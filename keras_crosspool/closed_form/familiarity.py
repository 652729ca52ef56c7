"""How like the training images an image is on the whole, whatever its class."""

import dataclasses

import numpy as np

_LEAST_DEVIATION = 1e-4  # of the mean: less is rounding


@dataclasses.dataclass(frozen=True)
class Familiarity:
    """What held-out rows have in common with the training rows: inner products with their mean.

    All classes count the same in the mean: otherwise the images of rare classes would look strange.

    The scores of a ridge sum to one for every image, so they tell which class an image is most
    like, and little of whether it is like any. What all training images have in common tells that.
    It is measured in standard deviations of images of the classes, and added to all logits alike:
    the probabilities stay, and the largest logit falls where an image is unlike all of them.

    Attributes:
        known: float `(n,)`, of rows by the mean of rows of other folds.
        unknown: float `(n,)`, of rows by the mean of rows of other classes; `None` where scores
            without the class of a row are not known either.

    Reference:
        The mean in the space of descriptors as a model of one class: Schölkopf and Smola,
        "Learning with Kernels", 2002, section 1.2. Its use beside the logits is this project's.

    Example:

    >>> familiarity = Familiarity(known=np.array([1.0, 3.0]))
    >>> familiarity.deviations(np.array([2.0, 0.0])).tolist()
    [0.0, -2.0]
    """

    known: np.ndarray
    unknown: np.ndarray | None = None

    @property
    def mean(self):
        """The mean of the known rows, float."""
        return float(self.known.mean())

    @property
    def deviation(self):
        """Their standard deviation, float; 1 where they are all alike but for rounding."""
        deviation = float(self.known.std())
        return deviation if deviation > _LEAST_DEVIATION * abs(self.mean) else 1.0

    def deviations(self, likeness):
        """How many standard deviations from the mean of the known rows others are."""
        return (likeness - self.mean) / self.deviation
