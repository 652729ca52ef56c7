"""Single-label recognition: an image belongs to exactly one class."""

import keras
import numpy as np

from keras_crosspool.numerics.calibration import Calibration, fit_softmax, fit_temperature
from keras_crosspool.numerics.folds import stratified_folds
from keras_crosspool.targets.single_label_scores import SingleLabelScores


class SingleLabel:
    """One class an image: softmax, cross-entropy, accuracy. Labels are int `(n,)`.

    Attributes:
        name: str, in `model.json`.
        metric: str, the score by which models are compared, higher is better.
        tuning_metric: str, what fine-tuning watches on the validation split.
        rejects: bool, whether an image can be none of the classes.

    Example:

    >>> SingleLabel().targets(np.array([2, 0]), 3).tolist()
    [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]
    """

    name = "single_label"
    metric = "accuracy"
    tuning_metric = "accuracy"
    rejects = True

    def label(self, indices, num_classes):
        """The label of an image of the classes with these indices, of which there is one."""
        (index,) = indices
        return index

    def label_names(self, label, class_names):
        """The names of what is in an image, a tuple of str."""
        return (class_names[label],)

    def groups(self, labels):
        """The indices of the images of each class, a list of int arrays."""
        return [np.flatnonzero(labels == label) for label in np.unique(labels)]

    def targets(self, labels, num_classes):
        """What logits are trained towards: one-hot, a float32 array `(n, num_classes)`."""
        return np.equal(np.asarray(labels)[:, None], np.arange(num_classes)).astype("float32")

    def loss(self, label_smoothing=0.0):
        """The loss of logits against targets, a `keras.losses.Loss`."""
        return keras.losses.CategoricalCrossentropy(
            from_logits=True, label_smoothing=label_smoothing
        )

    def integer_loss(self):
        """The loss of logits against labels as they are, a `keras.losses.Loss`."""
        return keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    def integer_metrics(self, num_classes):
        """What is measured against labels as they are."""
        return [keras.metrics.SparseCategoricalAccuracy(name="accuracy")]

    def tuning_metrics(self, num_classes):
        """What `model.compile` is to measure; the first is `tuning_metric`."""
        return [keras.metrics.CategoricalAccuracy(name=self.tuning_metric)]

    def folds(self, labels, groups, seed=0):
        """The fold of each row, int `(n,)`, stratified by class; groups stay whole.

        Args:
            labels: int `(n,)`.
            groups: int `(n,)`.
            seed: int. Defaults to `0`.

        Returns:
            int `(n,)`, or `None` where no class has two groups.
        """
        return stratified_folds(labels, groups, seed)

    def least_log_loss(self, scores, labels):
        """The log loss of scores at the best temperature, by which solved classifiers compare."""
        return fit_temperature(scores, labels)[1]

    def calibrate(self, scores, labels):
        """Fits temperature and limit by the log loss of the probabilities.

        Args:
            scores: float `(n, num_classes)`, of images the classifier has not seen.
            labels: int `(n,)`.

        Returns:
            The `Calibration`, and the log loss there, in nats an image.
        """
        return fit_softmax(scores, labels)

    def calibrate_again(self, logits, labels):
        """The `Calibration` of logits that have their limit: a temperature alone.

        What is added to all logits of an image alike does not change it.
        """
        return Calibration(fit_temperature(logits, labels)[0])

    def probabilities(self, logits):
        """The softmax of logits `(..., num_classes)`."""
        from scipy.special import softmax

        return softmax(logits, axis=-1)

    def logits(self, probabilities):
        """Logits whose softmax these are: their logarithms, which differ by a constant an image."""
        return np.log(np.maximum(probabilities, np.finfo("float32").tiny))

    def thresholds(self, logits, labels):
        """None are needed: the class with the highest logit is chosen."""

    def answers(self, logits, thresholds=None):
        """The index of the class that each image's logits say, a list of int."""
        return logits.argmax(axis=1).tolist()

    def agreement(self, reference, logits, thresholds=None):
        """The share of images with the same best class under two sets of logits."""
        return float(np.mean(reference.argmax(axis=1) == logits.argmax(axis=1)))

    def measure(self, logits, labels):
        """The `metric`: the share of images whose class has the highest logit."""
        return float(np.mean(logits.argmax(axis=1) == labels))

    def score(self, logits, labels, class_names, coarse_names=None, thresholds=None):
        """All scores, as `SingleLabelScores`."""
        return SingleLabelScores.measure(logits, labels, class_names, coarse_names)
