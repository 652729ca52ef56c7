"""Top-1, top-5, per class and coarse accuracy of logits on labelled pictures."""

import dataclasses

import numpy as np

from keras_crosspool.data import picture_batches
from keras_crosspool.progress import track


@dataclasses.dataclass(frozen=True)
class Scores:
    """The scores of a model on a labelled split.

    Attributes:
        pictures: int.
        top1: float, share of pictures whose class has the highest logit.
        top5: float, share of pictures whose class is among the five highest logits.
        log_loss: float, nats a picture.
        coarse_top1: float, share whose highest logit lies in the right coarse class; `None`
            without coarse classes.
        classes: dict, class to `precision`, `recall` and number of `pictures`.
    """

    pictures: int
    top1: float
    top5: float
    log_loss: float
    coarse_top1: float | None
    classes: dict

    def to_dict(self):
        """The scores as plain data, for JSON."""
        return dataclasses.asdict(self)


def predict_logits(model, split, image_size, batch_size=32):
    """Runs a model over a split.

    Args:
        model: `keras.Model`, RGB 0-255 in, logits out.
        split: `Split`.
        image_size: int, side in pixels.
        batch_size: int. Defaults to `32`.

    Returns:
        `logits`, float32 `(n, num_classes)`, and `labels`, int `(n,)`.
    """
    logits, labels = [], []
    batches = picture_batches(split, image_size, batch_size)
    for pictures, batch_labels in track(batches, f"predicting {split.name}"):
        logits.append(model.predict_on_batch(np.asarray(pictures, "float32")))
        labels.append(np.asarray(batch_labels))
    return np.concatenate(logits), np.concatenate(labels)


def score(logits, labels, class_names, coarse_names=None):
    """Scores logits against labels.

    Args:
        logits: float `(n, num_classes)`.
        labels: int `(n,)`.
        class_names: sequence of str, in the order of the logits.
        coarse_names: mapping from class to coarse class; it must name every class.
            Defaults to none.

    Returns:
        `Scores`.

    Raises:
        ValueError: if a class has no coarse class.

    Example:

    >>> logits = np.array([[3.0, 1.0, 0.0], [2.0, 1.0, 0.0]])
    >>> scores = score(logits, np.array([0, 1]), ["pear", "plum", "milk"],
    ...                {"pear": "fruit", "plum": "fruit", "milk": "dairy"})
    >>> scores.top1, scores.coarse_top1
    (0.5, 1.0)
    """
    from scipy.special import log_softmax
    from sklearn.metrics import precision_recall_fscore_support

    rows = np.arange(len(labels))
    ranked = np.argsort(-logits, axis=1, kind="stable")
    predicted = ranked[:, 0]
    precision, recall, _, support = precision_recall_fscore_support(
        labels, predicted, labels=np.arange(len(class_names)), zero_division=0
    )
    return Scores(
        pictures=len(labels),
        top1=float((predicted == labels).mean()),
        top5=float((ranked[:, :5] == labels[:, None]).any(axis=1).mean()),
        log_loss=float(-log_softmax(logits, axis=1)[rows, labels].mean()),
        coarse_top1=_coarse_top1(predicted, labels, class_names, coarse_names),
        classes={
            name: {"precision": float(p), "recall": float(r), "pictures": int(n)}
            for name, p, r, n in zip(class_names, precision, recall, support, strict=True)
            if n
        },
    )


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
