"""Multi-label recognition: an image has any number of labels, or none."""

import keras
import numpy as np

from keras_crosspool.numerics.calibration import fit_sigmoid
from keras_crosspool.numerics.folds import random_folds
from keras_crosspool.numerics.thresholds import best_thresholds
from keras_crosspool.targets.multi_label_scores import MultiLabelScores, average_precisions

_EVEN = 0.5  # the threshold where none was chosen


class MultiLabel:
    """Objects in a scene, attributes of a person: sigmoids, binary cross-entropy, mean AP.

    Labels are multi-hot, int `(n, num_classes)`.

    Attributes:
        name: str, in `model.json`.
        metric: str, the score by which models are compared, higher is better.
        tuning_metric: str, what fine-tuning watches on the validation split.
        rejects: bool, whether an image can be none of the classes.

    Reference:
        The task of the PASCAL VOC and attribute experiments in Liu, Shen and van den Hengel,
        arXiv 1510.00921; one-vs-rest sigmoids and mean average precision are the field's usual.

    Example:

    >>> MultiLabel().label_names(np.array([1, 0, 1]), ["bread", "milk", "pear"])
    ('bread', 'pear')
    """

    name = "multi_label"
    metric = "mean_average_precision"
    tuning_metric = "auc_pr"  # the mean average precision by bins, which batches add up to
    rejects = False

    def label(self, indices, num_classes):
        """The label of an image of the classes with these indices: multi-hot."""
        label = np.zeros(num_classes, "uint8")
        label[indices] = 1
        return label

    def label_names(self, label, class_names):
        """The names of what is in an image, a tuple of str."""
        return tuple(class_names[index] for index in np.flatnonzero(label))

    def groups(self, labels):
        """The indices of the images with each label and of those with none, int arrays."""
        return [np.flatnonzero(column) for column in (*labels.T, ~labels.any(axis=1))]

    def targets(self, labels, num_classes):
        """What logits are trained towards: multi-hot, a float32 array `(n, num_classes)`."""
        return np.asarray(labels, "float32")

    def loss(self, label_smoothing=0.0):
        """The loss of logits against targets, a `keras.losses.Loss`."""
        return keras.losses.BinaryCrossentropy(from_logits=True, label_smoothing=label_smoothing)

    def integer_loss(self):
        """The loss of logits against labels as they are, a `keras.losses.Loss`."""
        return self.loss()

    def integer_metrics(self, num_classes):
        """What is measured against labels as they are."""
        return self.tuning_metrics(num_classes)

    def tuning_metrics(self, num_classes):
        """What `model.compile` is to measure; the first is `tuning_metric`."""
        return [
            keras.metrics.AUC(
                curve="PR",
                multi_label=True,
                num_labels=num_classes,
                from_logits=True,
                name=self.tuning_metric,
            )
        ]

    def folds(self, labels, groups, seed=0):
        """The fold of each row, int `(n,)`, drawn at random; groups stay whole.

        Args:
            labels: int `(n, num_classes)`.
            groups: int `(n,)`.
            seed: int. Defaults to `0`.

        Returns:
            int `(n,)`, or `None` for a single group.
        """
        return random_folds(groups, seed)

    def least_log_loss(self, scores, labels):
        """The log loss of calibrated scores, by which solved classifiers compare."""
        return fit_sigmoid(scores, labels)[1]

    def calibrate(self, scores, labels):
        """Fits temperature and offset by the log loss of the probabilities.

        Args:
            scores: float `(n, num_classes)`, of images the classifier has not seen.
            labels: int `(n, num_classes)`.

        Returns:
            The `Calibration`, and the log loss there, in nats a label.
        """
        return fit_sigmoid(scores, labels)

    def calibrate_again(self, logits, labels):
        """The `Calibration` of logits: temperature and offset."""
        return fit_sigmoid(logits, labels)[0]

    def probabilities(self, logits):
        """The sigmoid of logits `(..., num_classes)`."""
        from scipy.special import expit

        return expit(logits)

    def logits(self, probabilities):
        """Logits whose sigmoid these are; one that was rounded to 0 or 1 gets a finite one."""
        from scipy.special import logit

        limits = np.finfo("float32")
        return logit(np.clip(probabilities, limits.tiny, 1 - limits.epsneg))

    def thresholds(self, logits, labels):
        """The probability from which on each label is said to be there.

        Args:
            logits: float `(n, num_classes)`.
            labels: int `(n, num_classes)`.

        Returns:
            float `(num_classes,)`, with the best F1 of each label on these images.
        """
        return best_thresholds(self.probabilities(logits), labels)

    def _chosen(self, logits, thresholds=None):
        """Which labels logits `(..., num_classes)` say are there: bool of that shape."""
        thresholds = _EVEN if thresholds is None else np.asarray(thresholds)
        return self.probabilities(logits) >= thresholds

    def answers(self, logits, thresholds=None):
        """The indices of the labels that each image's logits say, a list of lists of int."""
        return [np.flatnonzero(row).tolist() for row in self._chosen(logits, thresholds)]

    def agreement(self, reference, logits, thresholds=None):
        """How far two sets of logits choose the same labels: the Dice coefficient of both sets.

        Of all images together: twice the labels that both choose, over the labels that the one
        and the other choose. Labels that neither chooses, nearly all, do not count.
        """
        first, second = self._chosen(reference, thresholds), self._chosen(logits, thresholds)
        either = first.sum() + second.sum()
        return float(2 * (first & second).sum() / either) if either else 1.0

    def measure(self, logits, labels):
        """The `metric`: the mean over the labels that occur of their average precision, or 0."""
        if not np.any(labels):
            return 0.0
        return float(np.nanmean(average_precisions(logits, labels)))

    def score(self, logits, labels, class_names, coarse_names=None, thresholds=None):
        """All scores, as `MultiLabelScores`; coarse classes have no meaning here."""
        return MultiLabelScores.measure(
            logits,
            labels,
            class_names,
            self.probabilities(logits),
            self._chosen(logits, thresholds),
        )
