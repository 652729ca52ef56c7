"""What a split shows of a model: look-alikes with their heat maps, intervals, several labels."""

import dataclasses

import numpy as np
import pytest
from scipy.special import expit
from sklearn.metrics import average_precision_score, precision_recall_fscore_support

from keras_crosspool import load_model
from keras_crosspool.evaluation import position_contributions
from keras_crosspool.evaluation.heat_map import heat_map
from keras_crosspool.report.measured import measure
from keras_crosspool.report.model_report import ModelReport
from keras_crosspool.report.page import report_page
from tests.html_pages import Page


@pytest.fixture(scope="module")
def solved(model_directory):
    return load_model(model_directory)


@pytest.fixture(scope="module")
def mixed_up(test_split):
    """Logits of twelve images in which two oranges are taken for pears, and one the other way."""
    labels = np.asarray(test_split.labels)
    pears, _, oranges = (np.flatnonzero(labels == label) for label in range(3))
    logits = 4 * np.eye(3)[labels]
    logits[oranges[1]] = [5, 0, 1]
    logits[oranges[2]] = [7, 0, 1]
    logits[pears[0]] = [1, 0, 3]
    logits[pears[3]] = [9, 0, 0]
    return logits, labels, pears, oranges


def _page(metadata, measured):
    return Page("".join(report_page(ModelReport(metadata, measured))))


def test_the_surest_mistake_stands_beside_the_surest_right_answer(solved, test_split, mixed_up):
    logits, labels, pears, oranges = mixed_up
    model, metadata = solved
    (pair,) = measure(model, metadata, test_split, logits, labels, False).look_alikes
    assert pair.heading == "Anjou and Orange"
    assert pair.words == "2 of Orange taken for Anjou, 1 the other way round"
    names = [test_split.names[index] for index in (oranges[2], pears[3])]
    for side, name in zip((pair.wrong, pair.right), names, strict=True):
        assert name.endswith(side.file)
        assert not side.file.startswith("/")
        assert [heat.class_name for heat in side.heat_maps] == ["Anjou", "Orange"]
    assert [heat.logit for heat in pair.wrong.heat_maps] == [7, 1]


def test_heat_maps_are_orange_where_the_class_gains(solved, test_split, mixed_up):
    logits, labels, _, oranges = mixed_up
    model, metadata = solved
    (pair,) = measure(model, metadata, test_split, logits, labels, False).look_alikes
    image = test_split.images_at([oranges[2]], metadata.image_size).astype("float32")
    contributions, _ = position_contributions(model, image, np.array([[0, 2]]))
    for heat, values in zip(pair.wrong.heat_maps, heat_map(model, contributions)[0], strict=True):
        red, _, blue = np.moveaxis(heat.image.astype(float), 2, 0)
        warm = (red - blue)[::5, ::5][:, :32]  # of 160 pixels
        coarse = values.reshape(32, 2, 32, 2).mean(axis=(1, 3))
        assert np.corrcoef(warm.ravel(), coarse.ravel())[0, 1] > 0.9


def test_another_score_than_that_of_model_json_is_told(solved, test_split, mixed_up):
    logits, labels, *_ = mixed_up
    model, metadata = solved
    recorded = metadata.scores.validation["accuracy"]
    measured = measure(model, metadata, test_split, logits, labels)
    assert measured.score == recorded
    assert f"{recorded:.4f}, and these photographs now give 0.7500" in measured.note
    assert measured.note in _page(metadata, measured).text
    other = measure(model, metadata, test_split, logits, labels, is_validation=False)
    assert (other.score, other.note) == (0.75, "")


def test_the_interval_counts_sessions(solved, test_split, mixed_up):
    logits, labels, *_ = mixed_up
    sessions = tuple(range(12)), tuple(np.arange(12) // 4)
    widths = []
    for groups in sessions:
        split = dataclasses.replace(test_split, groups=groups, grouped_by="by hand")
        found = measure(*solved, split, logits, labels, False)
        assert f"{len(set(groups))} sessions (by hand)" in found.counted
        widths.append(np.diff(found.interval)[0])
        assert found.interval[1] == 1.0  # it would end above
    # Normal intervals: one of 12 photographs, one of three sessions with 0.75, 1 and 0.5 right.
    right = logits.argmax(axis=1) == labels
    rates = right.reshape(3, 4).mean(axis=1)
    errors = [np.std(values, ddof=1) / len(values) ** 0.5 for values in (right, rates)]
    expected = [1 - (right.mean() - 1.96 * error) for error in errors]
    np.testing.assert_allclose(widths, expected, rtol=1e-6)


def test_all_right_has_an_interval_too(solved, test_split, mixed_up):
    labels = mixed_up[1]
    split = dataclasses.replace(test_split, groups=tuple(range(12)), grouped_by="by hand")
    found = measure(*solved, split, np.eye(3)[labels], labels, False)
    assert found.interval == pytest.approx((12 / (12 + 1.96**2), 1))  # Wilson's, of all right
    assert found.look_alikes == ()


def test_several_labels(solved, test_split, mixed_up):
    model, metadata = solved
    logits, classes, *_ = mixed_up
    labels = np.eye(3, dtype="int32")[classes]
    labels[:2, 1] = 1
    metadata = dataclasses.replace(metadata, task="multi_label", thresholds=(0.6, 0.7, 0.99))
    measured = measure(model, metadata, test_split, logits - 1, labels, is_validation=False)
    page = _page(metadata, measured)
    columns = ("class", "images", "average precision", "precision", "recall", "f1")
    rows = page.table(*columns)
    chosen = expit(logits - 1) >= metadata.thresholds
    expected = precision_recall_fscore_support(labels, chosen, zero_division=0)
    for name, images, *figures in rows:
        index = metadata.class_names.index(name)
        average = average_precision_score(labels[:, index], logits[:, index])
        wanted = average, *(column[index] for column in expected[:3])
        np.testing.assert_allclose(np.array(figures, float), wanted, atol=5e-4)
        assert int(images) == labels[:, index].sum()
    assert len(rows) == 3
    assert page.values["score"] == pytest.approx(
        average_precision_score(labels, logits, average="macro")
    )
    assert measured.look_alikes[0].heading == rows[0][0]
    assert all(pair.wrong.heat_maps for pair in measured.look_alikes)
    assert "If it may abstain" not in page.text
    assert "Hardest labels" in page.text


def test_a_class_without_photographs_is_a_row(solved, test_split, mixed_up):
    logits, labels, *_ = mixed_up
    kept = np.flatnonzero(labels != 1)
    split = test_split.chosen(kept, "test")
    measured = measure(*solved, split, logits[kept], labels[kept], is_validation=False)
    rows = _page(solved[1], measured).table("class", "images", "precision", "recall")
    assert rows[-1] == ["Arla-Standard-Milk", "0", "not measured", "not measured"]


def test_without_a_split_nothing_is_claimed(solved):
    page = _page(solved[1], None)
    assert "not measured" in page.text
    assert "crosspool report --split=SPLIT measures it" in page.text
    assert page.values == {}
    assert page.images == []
    assert page.charts == {}
