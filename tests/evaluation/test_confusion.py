"""The confusion matrix: shares as counted elsewhere, and of a size that can be looked at."""

import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import confusion_matrix

from keras_crosspool.evaluation import plots
from keras_crosspool.evaluation.confusion import confusion


def _random(classes, count, seed=0):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, count)
    logits = rng.normal(size=(count, classes)).astype("float32")
    logits[np.arange(count), labels] += 3  # most are right
    return logits, labels


def test_few_classes_are_all_shown():
    logits, labels = _random(7, 60)
    found = confusion(logits, labels, [f"class {i}" for i in range(7)])
    expected = confusion_matrix(labels, logits.argmax(axis=1), normalize="true")
    np.testing.assert_allclose(found.shares, expected, rtol=1e-12)
    assert found.names == tuple(f"class {i}" for i in range(7))
    assert found.note == ""


def test_classes_that_do_not_occur_are_left_out():
    found = confusion(np.eye(4)[[1, 3]], np.array([1, 1]), ["a", "b", "c", "d"])
    assert (found.names, found.shares.tolist()) == (("b", "d"), [[0.5, 0.5], [0, 0]])


def test_many_classes_are_grouped_by_coarse_class():
    logits, labels = _random(30, 300)
    names = [f"class {i}" for i in range(30)]
    coarse = {name: f"coarse {i % 4}" for i, name in enumerate(names)}
    found = confusion(logits, labels, names, coarse, limit=10)
    expected = confusion_matrix(labels % 4, logits.argmax(axis=1) % 4, normalize="true")
    np.testing.assert_allclose(found.shares, expected, rtol=1e-12)
    assert found.names == ("coarse 0", "coarse 1", "coarse 2", "coarse 3")
    assert found.note == "the 4 coarse classes of 30 classes"


@pytest.mark.parametrize("coarse", [{}, {"class 1": "one"}, "too many"])
def test_many_classes_show_those_with_most_mistakes(coarse):
    names = [f"class {i}" for i in range(30)]
    coarse = {name: name for name in names} if coarse == "too many" else coarse
    labels = np.repeat(np.arange(30), 10)
    predicted = labels.copy()
    predicted[50:54] = 17  # four of class 5 are taken for 17, two of class 9 for 5
    predicted[90:92] = 5
    found = confusion(np.eye(30)[predicted], labels, names, coarse, limit=4)
    assert found.names == ("class 5", "class 9", "class 17", "27 other classes")
    assert found.note == "the 3 of 30 classes with the most mistakes"
    expected = [[0.6, 0, 0.4, 0], [0.2, 0.8, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]
    np.testing.assert_allclose(found.shares, expected, rtol=1e-12)


def test_plots_of_2000_classes_are_small(tmp_path, tried):
    names = [f"class {i}" for i in range(2000)]
    logits, labels = _random(2000, 4000)
    plots.plot_confusion(logits, labels, names, tmp_path / "confusion.png")
    precisions = dict(zip(names, np.linspace(0, 1, 2000), strict=True))
    plots.plot_average_precisions(precisions, 0.5, tmp_path / "average_precision.png")
    for name in ("confusion.png", "average_precision.png"):
        with Image.open(tmp_path / name) as image:
            assert image.width * image.height < 16e6
    tried("memory", "plots of 2000 classes", "the 100 classes with most mistakes, of 16 MP at most")
