"""Average precision, F1 and log loss of logits on images with several labels."""

import dataclasses

import numpy as np

from keras_crosspool.numerics.calibration import binary_log_loss


@dataclasses.dataclass(frozen=True)
class MultiLabelScores:
    """The scores of a multi-label model on a labelled split.

    Attributes:
        images: int.
        mean_average_precision: float, mean of the average precisions of the labels that occur.
        mean_f1: float, mean F1 at the thresholds, of the labels that occur. It flatters on the
            images that the thresholds were chosen on.
        micro_f1: float, F1 at the thresholds of all decisions taken together.
        log_loss: float, nats a label.
        classes: dict, label that occurs to its `average_precision`, `precision`, `recall` and
            `f1` at its threshold, and number of `images` that have it.
    """

    images: int
    mean_average_precision: float
    mean_f1: float
    micro_f1: float
    log_loss: float
    classes: dict

    @classmethod
    def measure(cls, logits, labels, class_names, probabilities, chosen):
        """Scores logits against labels.

        Args:
            logits: float `(n, num_classes)`.
            labels: int `(n, num_classes)`, multi-hot.
            class_names: sequence of str, in the order of the logits.
            probabilities: float `(n, num_classes)`.
            chosen: bool `(n, num_classes)`, the labels above their thresholds.

        Returns:
            `MultiLabelScores`.

        Raises:
            ValueError: if no image has any label.
        """
        from sklearn.metrics import f1_score, precision_recall_fscore_support

        precisions = average_precisions(logits, labels)
        columns = precision_recall_fscore_support(labels, chosen, average=None, zero_division=0)
        classes = {
            name: {
                "average_precision": float(average),
                "precision": float(precision),
                "recall": float(recall),
                "f1": float(f1),
                "images": int(count),
            }
            for name, average, precision, recall, f1, count in zip(
                class_names, precisions, *columns, strict=True
            )
            if count
        }
        return cls(
            images=len(labels),
            mean_average_precision=float(np.nanmean(precisions)),
            mean_f1=float(np.mean([row["f1"] for row in classes.values()])),
            micro_f1=float(f1_score(labels, chosen, average="micro", zero_division=0)),
            log_loss=binary_log_loss(logits, labels),
            classes=classes,
        )

    def metrics(self):
        """The figures for a model's metadata, the most telling first."""
        names = ("mean_average_precision", "mean_f1", "micro_f1", "log_loss")
        return {name: getattr(self, name) for name in names}

    def summary(self):
        """The figures in a line."""
        return (
            f"mean average precision {self.mean_average_precision:.4f}  mean F1 "
            f"{self.mean_f1:.4f}  micro F1 {self.micro_f1:.4f}  log loss {self.log_loss:.4f}"
        )

    def to_dict(self):
        """The scores as plain data, for JSON."""
        return dataclasses.asdict(self)


def average_precisions(logits, labels):
    """The average precision of each label; NaN for one that no image has.

    Args:
        logits: float `(n, num_classes)`.
        labels: int `(n, num_classes)`, multi-hot.

    Returns:
        float `(num_classes,)`.

    Raises:
        ValueError: if no image has any label.

    Reference:
        scikit-learn's `average_precision_score`: the mean precision over the images that have
        the label, without interpolation.

    Example:

    >>> logits = np.array([[3.0, 0.0], [2.0, 0.0], [1.0, 0.0]])
    >>> average_precisions(logits, np.array([[1, 0], [0, 0], [1, 0]])).round(3).tolist()
    [0.833, nan]
    """
    from sklearn.metrics import average_precision_score

    if not labels.any():
        raise ValueError(
            "Average precision needs images with labels: no image of the split has one that "
            f"the model knows. Received: {len(labels)} images without labels"
        )
    return np.array(
        [
            average_precision_score(truth, column) if truth.any() else np.nan
            for truth, column in zip(labels.T, logits.T, strict=True)
        ]
    )
