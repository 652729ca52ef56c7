"""Charts: positions, ticks, gaps of what is not finite."""

import numpy as np
import pytest

from keras_crosspool.report.chart import Chart, Series
from keras_crosspool.report.curves import tuning
from tests.html_pages import Page


def _read(*parts):
    return Page("".join(parts))


def test_points_stand_where_the_ticks_say():
    points = np.array([[3.0, -2.0], [40.0, 7.5], [41.0, 7.0]])
    series = (Series("a", points), Series("b", points[:2] + 1, dots=True))
    chart = _read(Chart("t", "x", "y", series).to_html()).charts["t"]
    np.testing.assert_allclose(chart.in_units(chart.lines[0]), points, atol=0.05)
    np.testing.assert_allclose(chart.in_units(chart.dots), points[:2] + 1, atol=0.05)


def test_a_logarithmic_axis_has_ticks_at_1_2_and_5():
    points = np.array([[1.3, 0.5], [60.0, 0.5]])
    page = _read(Chart("t", "ms", "y", (Series("a", points, True),), is_logarithmic=True).to_html())
    chart = page.charts["t"]
    assert [value for _, value in chart.across] == [1, 2, 5, 10, 20, 50]
    places, values = np.array(chart.across).T
    slope, offset = np.polyfit(places, np.log10(values), 1)
    np.testing.assert_allclose(10 ** (slope * np.array(chart.dots)[:, 0] + offset), [1.3, 60], 0.01)


def test_long_curves_are_drawn_by_200_points_from_end_to_end():
    points = np.stack([np.linspace(0, 1, 5001), np.linspace(1, 0, 5001)], axis=1)
    chart = _read(Chart("t", "x", "y", (Series("a", points),)).to_html()).charts["t"]
    (line,) = chart.lines
    assert len(line) == 200
    np.testing.assert_allclose(chart.in_units(line)[[0, -1]], points[[0, -1]], atol=2e-3)


def test_the_tuning_curve_leaves_out_what_is_not_finite():
    history = {"loss": [2.0, None, 1.0], "val_loss": [2.5, 1.5, float("nan")], "odd": [None]}
    page = _read(*tuning(history))
    (title,) = page.charts
    assert title == "loss after each epoch of tuning"
    assert [value for _, value in page.charts[title].across] == [1, 2, 3]
    first, second = page.charts[title].lines
    found = page.charts[title].in_units(first)
    np.testing.assert_allclose(found, [[1, 2.0], [3, 1.0]], atol=0.01)
    assert len(second) == 2
    rows = page.table("epoch", "training", "validation")
    assert rows == [["1", "2", "2.5"], ["2", "", "1.5"], ["3", "1", ""]]


@pytest.mark.parametrize("value", [0.0, 1.0, -3.0, 1e-9, 1e9])
def test_equal_values_have_an_axis(value):
    chart = _read(Chart("t", "x", "y", (Series("a", np.full((3, 2), value)),)).to_html())
    assert np.isfinite(chart.charts["t"].lines[0]).all()
    assert len(chart.charts["t"].up) > 1


def test_one_epoch_is_a_dot():
    chart = _read(*tuning({"loss": [2.0]})).charts["loss after each epoch of tuning"]
    ((across, _),) = chart.dots
    assert not chart.lines
    assert chart.across == [(pytest.approx(across, abs=0.1), 1)]


def test_no_history_is_no_section():
    assert list(tuning({})) == []
