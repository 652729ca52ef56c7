"""How well several scores find labels that were exchanged."""

import dataclasses

import numpy as np

from keras_crosspool.audit.evidence import held_out_evidence
from keras_crosspool.audit.labels import label_quality
from keras_crosspool.audit.trial import exchange_labels
from keras_crosspool.numerics.nearest import nearest
from keras_crosspool.sessions import with_sessions

_SHARE = 0.05
_LARGEST = 15  # images of a session that is mislabelled as a whole
_NEIGHBOURS = 10


def exchange_sessions(labels, groups, num_classes, seed=0):
    """Exchanges the labels of whole sessions until a twentieth of all are wrong.

    Args:
        labels: int `(n,)`.
        groups: int `(n,)`.
        num_classes: int.
        seed: int. Defaults to `0`.

    Returns:
        As `exchange_labels`.
    """
    rng = np.random.default_rng(seed)
    labels, exchanged = labels.copy(), np.zeros(len(labels), bool)
    for group in rng.permutation(np.unique(groups)):
        rows = np.flatnonzero(groups == group)
        if 2 <= len(rows) <= _LARGEST and exchanged.sum() < _SHARE * len(labels):
            labels[rows] = (labels[rows] + rng.integers(1, num_classes)) % num_classes
            exchanged[rows] = True
    return labels, exchanged


def score_ways(described, images):
    """Scores of labels by several ways; lower is more doubtful.

    Args:
        described: `Described`.
        images: `Split`, its labels exchanged, with the sessions that are found then.

    Returns:
        dict from way to float `(n,)`.
    """
    from cleanlab.rank import get_label_quality_scores

    labels, groups = images.labels, np.array(images.groups)
    classes, rows = len(images.class_names), np.arange(len(labels))

    def evidence(held_out):
        return held_out_evidence(described.gram, labels, classes, held_out, images.task)

    found = evidence(groups)
    image_out = evidence(rows).of_both
    neighbours = labels[nearest(described.averages, _NEIGHBOURS)[0]]
    return {
        "audit: without image, without session": label_quality(found.of_both, labels).scores,
        "without image": image_out[rows, labels],
        "without session": found.of_others[rows, labels],
        "without image, margin": get_label_quality_scores(
            labels, image_out, method="normalized_margin"
        ),
        f"{_NEIGHBOURS} nearest neighbours": (neighbours == labels[:, None]).mean(axis=1),
    }


def measure(scores, exchanged):
    """Average precision, precision among as many as were exchanged, and AUROC.

    Args:
        scores: float `(n,)`, lower is more doubtful.
        exchanged: bool `(n,)`.

    Returns:
        dict of float.
    """
    from sklearn.metrics import average_precision_score, roc_auc_score

    first = np.argsort(scores, kind="stable")[: exchanged.sum()]
    return {
        "average_precision": float(average_precision_score(exchanged, -scores)),
        "precision_of_first_n": float(exchanged[first].mean()),
        "auroc": float(roc_auc_score(exchanged, -scores)),
    }


def label_rows(name, described, images, seeds):
    """The rows of one data set: means over draws of exchanged labels.

    Args:
        name: str, of the data set.
        described: `Described`.
        images: `Split` with sessions.
        seeds: int, the number of draws.

    Yields:
        dict.
    """
    classes, groups = len(images.class_names), np.array(images.groups)
    draws = {
        "images": lambda seed: exchange_labels(images.labels, classes, seed),
        "sessions": lambda seed: exchange_sessions(images.labels, groups, classes, seed),
    }
    for what, draw in draws.items():
        found = {}
        for seed in range(seeds):
            labels, exchanged = draw(seed)
            seen = with_sessions(dataclasses.replace(images, labels=labels, groups=()))
            for way, scores in score_ways(described, seen).items():
                found.setdefault(way, []).append(measure(scores, exchanged))
        for way, measured in found.items():
            means = {key: float(np.mean([row[key] for row in measured])) for key in measured[0]}
            yield {"data": name, "exchanged": what, "score": way} | means
