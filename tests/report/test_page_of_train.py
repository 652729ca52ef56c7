"""The page that training writes, held against the model, scikit-learn and NumPy."""

import json

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.metrics import precision_recall_fscore_support

from keras_crosspool import load_model
from keras_crosspool.data import load_images, open_split
from tests.html_pages import Page


@pytest.fixture(scope="module")
def page(model_directory):
    return Page((model_directory / "report.html").read_text("utf-8"))


@pytest.fixture(scope="module")
def record(model_directory):
    return json.loads((model_directory / "model.json").read_text())


@pytest.fixture(scope="module")
def answers(model_directory, tiny_folder):
    """Probabilities `(n, 3)` and labels of the split that training validated with."""
    model, metadata = load_model(model_directory)
    split = open_split(tiny_folder, "test", metadata.class_names)
    images, labels = load_images(split, metadata.image_size)
    return softmax(np.asarray(model(images.astype("float32")), "float64"), axis=1), labels


def test_the_headline_is_the_score_of_model_json(page, record):
    scores = record["scores"]
    assert page.values["score"] == scores["validation"]["accuracy"]
    assert f"{100 * page.values['score']:.1f} %" in page.text
    for other in ("cross_validated", "same_sessions"):
        value = scores["solved"][other]
        value = value["accuracy"] if isinstance(value, dict) else value
        assert f"{100 * value:.1f} %" in page.text
    assert f"{100 * scores['baseline']['validation']['accuracy']:.1f} %" in page.text
    assert "on 12 photographs of split test; 95 % interval" in page.text
    assert "the baseline, on the same photographs" in page.text
    assert "photographs now give" not in page.text


def test_every_class_is_a_row_with_its_precision_and_recall(page, answers, record):
    rows = page.table("class", "images", "precision", "recall")
    assert sorted(row[0] for row in rows) == sorted(record["class_names"])
    probabilities, labels = answers
    expected = precision_recall_fscore_support(
        labels, probabilities.argmax(axis=1), labels=range(3), zero_division=0
    )
    for name, images, precision, recall in rows:
        index = record["class_names"].index(name)
        assert int(images) == expected[3][index] == 4
        assert float(precision) == pytest.approx(expected[0][index], abs=5e-4)
        assert float(recall) == pytest.approx(expected[1][index], abs=5e-4)
    recalls = [float(row[-1]) for row in rows]
    assert recalls == sorted(recalls)


def test_the_page_needs_nothing_else(page):
    assert not page.tags & {"script", "link", "iframe", "object", "embed", "base"}
    assert all(source.startswith("data:image/jpeg;base64,") for source in page.sources)
    assert page.bytes < 3e6


def test_the_page_can_be_read_without_seeing_it(page):
    assert all(image["alt"] for image in page.images)
    assert page.headings[:2] == [1, 2]
    assert page.headings.count(1) == 1
    for before, after in zip(page.headings, page.headings[1:], strict=False):
        assert after <= before + 1


def _surest_first(probabilities, labels):
    order = np.argsort(-probabilities.max(axis=1), kind="stable")
    return (probabilities.argmax(axis=1) == labels)[order]


def test_the_reject_curve(page, answers):
    right = _surest_first(*answers)
    expected = [(k / 12, sum(right[:k]) / k) for k in range(1, 13)]
    chart = page.charts["Share of right answers against the share of photographs answered"]
    (line,) = chart.lines
    np.testing.assert_allclose(chart.in_units(line), expected, atol=2e-3)
    rows = page.table("answered", "right")
    assert [row[0] for row in rows] == ["100%", "95%", "90%", "80%", "70%", "50%"]
    for share, found in rows:
        count = round(int(share[:-1]) / 100 * 12)
        assert float(found) == pytest.approx(sum(right[:count]) / count, abs=5e-5)


def test_the_calibration(page, answers):
    probabilities, labels = answers
    sure, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    expected, dots = 0.0, []
    for low in np.arange(15) / 15:
        inside = (sure >= low) & ((sure < low + 1 / 15) | (low + 1 / 15 > 0.999))
        if inside.any():
            dots.append((sure[inside].mean(), right[inside].mean()))
            expected += inside.mean() * abs(dots[-1][0] - dots[-1][1])
    assert page.values["calibration"] == pytest.approx(expected, abs=1e-4)
    chart = page.charts["Share of answers that is right against their probability"]
    np.testing.assert_allclose(chart.in_units(chart.dots), dots, atol=2e-3)


def test_what_it_was_trained_on(page, record):
    rows = dict(row for table in page.tables for row in table if len(row) == 2)
    assert rows["training"] == "18 photographs of split train"
    assert rows["their sha256"] == record["data"]["fingerprint"]
    assert rows["image size"] == "128"
    assert "keras " in rows["made with"]
