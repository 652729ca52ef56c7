"""What an audit says of classes: too alike to tell, too few sessions, what to photograph next."""

import dataclasses

import numpy as np

from keras_crosspool.audit.evidence import sessions_by_class

_FEW_SESSIONS = 3
_ALIKE = 0.25  # of the images of two classes that are taken for the other
_NEXT = 5  # classes to photograph next


@dataclasses.dataclass(frozen=True)
class ClassReport:
    """What is known of one class.

    Attributes:
        name: str.
        images: int.
        sessions: int, in which it was photographed.
        right: float, the share of its images that a classifier trained on other sessions gets
            right; `None` for several labels an image.
        advice: str, what to photograph; empty where there is enough.
    """

    name: str
    images: int
    sessions: int
    right: float | None
    advice: str


@dataclasses.dataclass(frozen=True)
class AlikeClasses:
    """Two classes that are hard to tell apart.

    Attributes:
        first, second: str.
        share: float, of the images of both that are taken for the other, by a classifier trained
            on other sessions.
        advice: str.
    """

    first: str
    second: str
    share: float
    advice: str


def class_reports(images, groups, probabilities):
    """Tells of each class how it does and whether it needs more photographs.

    Args:
        images: `Split`.
        groups: int `(n,)`, the session of each image.
        probabilities: float `(n, num_classes)`, of classifiers trained on other sessions.

    Returns:
        tuple of `ClassReport`.
    """
    names, labels = images.class_names, images.labels
    single = labels.ndim == 1
    targets = np.eye(len(names), dtype=int)[labels] if single else labels
    correct = probabilities.argmax(axis=1) == labels if single else None
    sessions = sessions_by_class(targets, groups)
    known = len(np.unique(groups)) < len(groups)
    return tuple(
        ClassReport(
            name,
            int(column.sum()),
            int(count),
            float(correct[column > 0].mean()) if single else None,
            _advice(name, count) if known and count < _FEW_SESSIONS else "",
        )
        for name, column, count in zip(names, targets.T, sessions, strict=True)
    )


def alike_classes(images, probabilities):
    """The pairs of classes that are taken for each other, the most alike first.

    Args:
        images: `Split`.
        probabilities: float `(n, num_classes)`, of classifiers trained on other sessions.

    Returns:
        tuple of `AlikeClasses`; empty for several labels an image.
    """
    if images.labels.ndim == 2:
        return ()
    count = len(images.class_names)
    taken = np.zeros((count, count))
    np.add.at(taken, (images.labels, probabilities.argmax(axis=1)), 1)
    sizes = taken.sum(axis=1)
    shares = (taken + taken.T) / np.maximum(sizes[:, None] + sizes, 1)
    pairs = [(shares[a, b], a, b) for a in range(count) for b in range(a) if shares[a, b] >= _ALIKE]
    names = images.class_names
    return tuple(
        AlikeClasses(
            names[b],
            names[a],
            float(share),
            "Photograph what tells them apart, closer and side by side; or make them one class.",
        )
        for share, a, b in sorted(pairs, reverse=True)
    )


def to_photograph(reports):
    """The classes that need photographs most: of few sessions, then those that do worst.

    Args:
        reports: sequence of `ClassReport`.

    Returns:
        tuple of str, at most five.
    """
    needy = [report for report in reports if report.advice or (report.right or 1) < 0.5]
    needy.sort(key=lambda report: (not report.advice, report.sessions, report.right or 0))
    return tuple(report.name for report in needy[:_NEXT])


def _advice(name, sessions):
    so_far = "one session" if sessions == 1 else f"{sessions} sessions"
    return f"Photograph {name} on another day and in another place: {so_far} so far."
