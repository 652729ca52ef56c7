"""How sure an audit is: labels are exchanged on trial, and it is counted how many it finds."""

import dataclasses

import numpy as np

from keras_crosspool.audit.evidence import held_out_evidence
from keras_crosspool.audit.labels import label_quality

_SHARE = 0.05
_ENOUGH = 20  # exchanged labels, over as many draws as that takes
_MOST_DRAWS = 20


@dataclasses.dataclass(frozen=True)
class Trial:
    """What became of labels that were exchanged on trial.

    Attributes:
        exchanged: int, the number of labels that were exchanged for others, in all draws.
        found: float, the share of them that were found.
        right: float, the share of all findings that were exchanged ones; the others may be right
            labels, or wrong ones that were there before.
    """

    exchanged: int
    found: float
    right: float


def exchange_labels(labels, num_classes, seed=0):
    """Exchanges a twentieth of the labels for others at random.

    Args:
        labels: int `(n,)`, or multi-hot `(n, num_classes)`, where one label of an image is
            exchanged for one that it has not.
        num_classes: int, at least 2.
        seed: int. Defaults to `0`.

    Returns:
        The labels, and a bool `(n,)` of those that were exchanged.

    Example:

    >>> labels, exchanged = exchange_labels(np.zeros(40, int), num_classes=3)
    >>> int(exchanged.sum()), bool((labels[exchanged] > 0).all())
    (2, True)
    """
    rng = np.random.default_rng(seed)
    several = labels.ndim == 2
    able = np.flatnonzero(labels.any(axis=1) & ~labels.all(axis=1)) if several else len(labels)
    count = max(1, round(_SHARE * len(labels)))
    chosen = rng.choice(able, min(count, np.size(able) if several else able), replace=False)
    labels = labels.copy()
    if several:
        for row in chosen:
            old, new = np.flatnonzero(labels[row]), np.flatnonzero(labels[row] == 0)
            labels[row, [rng.choice(old), rng.choice(new)]] = 0, 1
    else:
        labels[chosen] = (labels[chosen] + rng.integers(1, num_classes, len(chosen))) % num_classes
    return labels, np.isin(np.arange(len(labels)), chosen)


def run_trial(gram, images, groups):
    """Exchanges labels, judges them all anew and counts; of few images several times.

    Args:
        gram: float `(n, n)`, inner products of the descriptors.
        images: `Split`.
        groups: int `(n,)`.

    Returns:
        `Trial`.
    """
    classes = len(images.class_names)
    exchanged = doubted = found = 0
    for seed in range(_MOST_DRAWS):
        labels, changed = exchange_labels(images.labels, classes, seed)
        evidence = held_out_evidence(gram, labels, classes, groups, images.task)
        doubtful = label_quality(evidence.of_both, labels).doubtful
        exchanged += int(changed.sum())
        doubted += int(doubtful.sum())
        found += int((doubtful & changed).sum())
        if exchanged >= _ENOUGH:
            break
    return Trial(exchanged, found / max(1, exchanged), found / max(1, doubted))
