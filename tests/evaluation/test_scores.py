"""Scores against scikit-learn, and logits image by image."""

import json

import numpy as np
import pytest
from keras import ops
from scipy.special import softmax
from sklearn import metrics

from keras_crosspool.data import open_split
from keras_crosspool.evaluation import predict_logits, score

NAMES = tuple("abcdefgh")


@pytest.fixture(scope="module")
def example():
    """Logits of 200 images of seven of eight classes; the last has no images."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 7, 200)
    return rng.normal(size=(200, 8)) + 1.5 * np.eye(8)[labels], labels


def test_scores_equal_scikit_learn(example):
    logits, labels = example
    scores = score(logits, labels, NAMES)
    predicted, classes = logits.argmax(axis=1), np.arange(8)
    assert scores.images == 200
    assert scores.top1 == pytest.approx(metrics.accuracy_score(labels, predicted))
    top5 = metrics.top_k_accuracy_score(labels, logits, k=5, labels=classes)
    assert scores.top5 == pytest.approx(top5)
    log_loss = metrics.log_loss(labels, softmax(logits, axis=1), labels=classes)
    assert scores.log_loss == pytest.approx(log_loss)
    assert scores.coarse_top1 is None
    assert list(scores.classes) == list(NAMES[:7])
    for index, name in enumerate(NAMES[:7]):
        row = scores.classes[name]
        true, chosen = labels == index, predicted == index
        assert row["recall"] == pytest.approx(metrics.recall_score(true, chosen))
        assert row["precision"] == pytest.approx(metrics.precision_score(true, chosen))
        assert row["images"] == true.sum()


def test_coarse_classes(example):
    logits, labels = example
    coarse = {name: "first half" if name < "e" else "second half" for name in NAMES}
    expected = ((logits.argmax(axis=1) < 4) == (labels < 4)).mean()
    assert score(logits, labels, NAMES, coarse).coarse_top1 == pytest.approx(expected)
    del coarse["h"], coarse["c"]
    with pytest.raises(ValueError, match=r"classes\.csv.*Received: nothing for c, h"):
        score(logits, labels, NAMES, coarse)


def test_few_classes_and_a_class_never_chosen():
    logits, labels = np.array([[2.0, 1.0], [3.0, 0.0]]), np.array([0, 1])
    scores = score(logits, labels, ("a", "b"))
    assert (scores.top1, scores.top5) == (0.5, None)
    assert "top5_accuracy" not in scores.metrics()
    assert "top-5" not in scores.summary()
    assert scores.classes["b"] == {"precision": 0.0, "recall": 0.0, "images": 1}


def test_scores_are_plain_data(example):
    scores = score(*example, NAMES)
    assert json.loads(json.dumps(scores.to_dict()))["top1"] == scores.top1


@pytest.mark.parametrize("batch_size", [5, 32])
def test_logits_of_every_image_in_order(solved, tiny_folder, unseen_images, batch_size):
    model, metadata = solved
    images, expected_labels = unseen_images
    split = open_split(tiny_folder, "test", metadata.class_names)
    logits, labels = predict_logits(model, split, metadata.image_size, batch_size)
    np.testing.assert_array_equal(labels, expected_labels)
    expected = ops.convert_to_numpy(model(images.astype("float32")))
    np.testing.assert_allclose(logits, expected, rtol=1e-3, atol=1e-3)
