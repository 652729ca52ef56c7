"""Montages: which classes they show, and how they are laid out."""

import io

import numpy as np
import pytest
from PIL import Image

from tools.montages import draw_labels, montage


def test_classes_are_different_ones_and_come_equally_often():
    drawn = draw_labels(range(10, 91), 60, 2, 4, np.random.default_rng(0))
    assert len(drawn) == 60
    assert {len(labels) for labels in drawn} == {2, 3, 4}
    assert all(len(set(labels)) == len(labels) for labels in drawn)
    counts = np.bincount(np.concatenate(drawn), minlength=91)
    assert not counts[:10].any()
    assert counts[10:].max() - counts[10:].min() == 1


def _encoded(colour):
    file = io.BytesIO()
    Image.new("RGB", (50, 30), colour).save(file, "png")
    return file.getvalue()


@pytest.mark.parametrize("seed", range(3))
def test_every_image_has_a_cell_of_its_own(seed):
    colours = [(255, 0, 0), (0, 255, 0), (0, 0, 255)]
    made = montage([_encoded(c) for c in colours], 100, np.random.default_rng(seed))
    assert (made.shape, made.dtype) == ((100, 100, 3), np.uint8)
    cells = []
    for colour in colours:
        rows, columns = np.nonzero((made == colour).all(axis=2))
        cells.append((rows[0] // 50, columns[0] // 50))
        side = np.ptp(rows) + 1
        assert 32 <= side == np.ptp(columns) + 1 <= 50
        assert len(rows) == side**2  # nothing lies over it
        assert set(zip(rows // 50, columns // 50, strict=True)) == {cells[-1]}
    assert len(set(cells)) == 3


def test_a_seed_gives_the_same_again():
    encoded = [_encoded("red"), _encoded("blue")]
    first, again, other = (montage(encoded, 80, np.random.default_rng(s)) for s in (5, 5, 6))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    labels = [draw_labels(range(9), 20, 2, 4, np.random.default_rng(s)) for s in (5, 5, 6)]
    assert labels[0] == labels[1] != labels[2]
