"""What is said of classes: which are alike, which need photographs, which come first."""

import numpy as np

from keras_crosspool.audit.classes import alike_classes, class_reports, to_photograph


class Images:
    """Four classes of ten images; half of plum and pear are taken for each other."""

    class_names = ("apple", "pear", "plum", "quince")
    labels = np.repeat(np.arange(4), 10)


GROUPS = np.concatenate(
    [np.arange(10) // 2, 5 + np.arange(10) // 5, np.full(10, 7), 8 + np.arange(10)]
)


def _probabilities():
    taken = Images.labels.copy()
    taken[10:15], taken[20:25] = 2, 1
    return np.eye(4)[taken]


def test_classes_that_are_taken_for_each_other():
    (pair,) = alike_classes(Images, _probabilities())
    assert (pair.first, pair.second, pair.share) == ("pear", "plum", 0.5)


def test_classes_of_few_sessions_are_to_be_photographed():
    reports = class_reports(Images, GROUPS, _probabilities())
    assert [report.sessions for report in reports] == [5, 2, 1, 10]
    assert [report.right for report in reports] == [1.0, 0.5, 0.5, 1.0]
    assert [bool(report.advice) for report in reports] == [False, True, True, False]
    assert "one session so far" in reports[2].advice
    assert to_photograph(reports) == ("plum", "pear")


def test_without_sessions_nothing_is_said_of_them():
    reports = class_reports(Images, np.arange(40), _probabilities())
    assert not any(report.advice for report in reports)


def test_several_labels():
    class Several:
        class_names = ("a", "b")
        labels = np.array([[1, 0], [1, 1], [0, 0]])

    assert alike_classes(Several, np.zeros((3, 2))) == ()
    reports = class_reports(Several, np.array([0, 0, 1]), np.zeros((3, 2)))
    assert [(report.images, report.sessions, report.right) for report in reports] == [
        (2, 1, None),
        (1, 1, None),
    ]
