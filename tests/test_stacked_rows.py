"""Stacked rows against the arrays put together."""

import numpy as np
import pytest

from keras_crosspool.stacked_rows import StackedRows, parts_of

PARTS = tuple(np.random.default_rng(n).normal(size=(n, 4)).astype("float32") for n in (3, 1, 5))
WHOLE = np.concatenate(PARTS)


@pytest.mark.parametrize(
    "positions",
    [
        slice(None),
        slice(2, 7),
        slice(7, 2, -2),
        [8, 0, 3, 3],
        [-1],
        np.arange(0),
        np.arange(9) % 2 == 0,
    ],
    ids=str,
)
def test_rows_are_those_of_one_array(positions):
    found = StackedRows(PARTS)[positions]
    np.testing.assert_array_equal(found, WHOLE[positions])
    assert found.dtype == "float32"


def test_shape_and_conversion():
    rows = StackedRows.of(StackedRows(PARTS[:2]), PARTS[2])
    assert rows.shape == WHOLE.shape
    assert len(rows) == 9
    np.testing.assert_array_equal(np.array(rows), WHOLE)
    assert np.asarray(rows, "float64").dtype == "float64"
    assert [len(part) for part in parts_of(rows)] == [3, 1, 5]
    assert parts_of(WHOLE)[0] is WHOLE


def test_a_row_that_is_not_there_is_refused():
    with pytest.raises(IndexError):
        StackedRows(PARTS)[[9]]
