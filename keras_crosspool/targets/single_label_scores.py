"""Top-1, top-5, per class and coarse accuracy of logits on labelled images."""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class SingleLabelScores:
    """The scores of a single-label model on a labelled split.

    Attributes:
        images: int.
        top1: float, share of images whose class has the highest logit.
        top5: float, share of images whose class is among the five highest logits.
        log_loss: float, nats an image.
        coarse_top1: float, share whose highest logit lies in the right coarse class; `None`
            without coarse classes.
        classes: dict, class to `precision`, `recall` and number of `images`.
    """

    images: int
    top1: float
    top5: float
    log_loss: float
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
        predicted = ranked[:, 0]
        precision, recall, _, support = precision_recall_fscore_support(
            labels, predicted, labels=np.arange(len(class_names)), zero_division=0
        )
        return cls(
            images=len(labels),
            top1=float((predicted == labels).mean()),
            top5=float((ranked[:, :5] == labels[:, None]).any(axis=1).mean()),
            log_loss=float(-log_softmax(logits, axis=1)[rows, labels].mean()),
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
            "coarse_accuracy": self.coarse_top1,
        }
        return {name: value for name, value in metrics.items() if value is not None}

    def summary(self):
        """The figures in a line."""
        line = f"top-1 {self.top1:.4f}  top-5 {self.top5:.4f}  log loss {self.log_loss:.4f}"
        return line if self.coarse_top1 is None else f"{line}  coarse top-1 {self.coarse_top1:.4f}"

    def to_dict(self):
        """The scores as plain data, for JSON."""
        return dataclasses.asdict(self)


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
