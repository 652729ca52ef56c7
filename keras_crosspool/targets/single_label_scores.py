"""Top-1, top-5, per class and coarse accuracy of logits on labelled images."""

import dataclasses

import numpy as np

from keras_crosspool.numerics.calibration import answered_curve, calibration_error

_SHARES = (0.95, 0.9, 0.8, 0.7, 0.5)


@dataclasses.dataclass(frozen=True)
class SingleLabelScores:
    """The scores of a single-label model on a labelled split.

    Attributes:
        images: int.
        top1: float, share of images whose class has the highest logit.
        top5: float, share of images whose class is among the five highest logits; `None` of five
            classes or fewer, where it says nothing.
        log_loss: float, nats an image.
        calibration_error: float, the expected calibration error of the best class's probability.
        answered: dict, share of images that are answered, the surest first, to how many of those
            are right.
        coarse_top1: float, share whose highest logit lies in the right coarse class; `None`
            without coarse classes.
        classes: dict, class to `precision`, `recall` and number of `images`.
    """

    images: int
    top1: float
    top5: float | None
    log_loss: float
    calibration_error: float
    answered: dict
    coarse_top1: float | None
    classes: dict

    @classmethod
    def measure(cls, logits, labels, class_names, coarse_names=None):
        """Scores logits against labels.

        Args:
            logits: float `(n, num_classes)`.
            labels: int `(n,)`.
            class_names: sequence of str, in the order of the logits.
            coarse_names: mapping from class to coarse class; it must name every class.
                Defaults to none.

        Returns:
            `SingleLabelScores`.

        Raises:
            ValueError: if a class has no coarse class.
        """
        from scipy.special import log_softmax
        from sklearn.metrics import precision_recall_fscore_support

        rows = np.arange(len(labels))
        ranked = np.argsort(-logits, axis=1, kind="stable")
        among_five = (ranked[:, :5] == labels[:, None]).any(axis=1).mean()
        predicted = ranked[:, 0]
        log_probabilities = log_softmax(logits, axis=1)
        confidences, right = np.exp(log_probabilities.max(axis=1)), predicted == labels
        precision, recall, _, support = precision_recall_fscore_support(
            labels, predicted, labels=np.arange(len(class_names)), zero_division=0
        )
        return cls(
            images=len(labels),
            top1=float(right.mean()),
            top5=float(among_five) if len(class_names) > 5 else None,
            log_loss=float(-log_probabilities[rows, labels].mean()),
            calibration_error=calibration_error(confidences, right),
            answered=_answered(confidences, right),
            coarse_top1=_coarse_top1(predicted, labels, class_names, coarse_names),
            classes={
                name: {"precision": float(p), "recall": float(r), "images": int(n)}
                for name, p, r, n in zip(class_names, precision, recall, support, strict=True)
                if n
            },
        )

    def metrics(self):
        """The figures for a model's metadata, the most telling first."""
        metrics = {
            "accuracy": self.top1,
            "top5_accuracy": self.top5,
            "log_loss": self.log_loss,
            "calibration_error": self.calibration_error,
            "coarse_accuracy": self.coarse_top1,
        }
        return {name: value for name, value in metrics.items() if value is not None}

    def summary(self):
        """The figures in a few lines."""
        top5 = "" if self.top5 is None else f"  top-5 {self.top5:.4f}"
        coarse = "" if self.coarse_top1 is None else f"  coarse top-1 {self.coarse_top1:.4f}"
        surest = ", ".join(f"{share} {right:.4f}" for share, right in self.answered.items())
        return (
            f"top-1 {self.top1:.4f}{top5}{coarse}\n"
            f"log loss {self.log_loss:.4f}  calibration error {self.calibration_error:.4f}\n"
            f"right among the surest: {surest}"
        )

    def to_dict(self):
        """The scores as plain data, for JSON."""
        return dataclasses.asdict(self)


def _answered(confidences, right):
    curve = answered_curve(confidences, right)
    return {
        f"{share:.0%}": float(curve[max(1, round(share * len(curve))) - 1, 1]) for share in _SHARES
    }


def _coarse_top1(predicted, labels, class_names, coarse_names):
    if not coarse_names:
        return None
    missing = sorted(set(class_names) - set(coarse_names))
    if missing:
        raise ValueError(
            "classes.csv names a coarse class for some classes only; add the others. "
            f"Received: nothing for {', '.join(missing[:5])}"
        )
    coarse = np.array([coarse_names[name] for name in class_names])
    return float((coarse[predicted] == coarse[labels]).mean())
