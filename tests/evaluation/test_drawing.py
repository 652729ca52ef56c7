"""Figures are written whole or not at all."""

import pytest
from PIL import Image

from keras_crosspool.evaluation.drawing import new_figure, save_figure


def test_a_figure_is_an_image(tmp_path):
    figure, _ = new_figure(2, 1)
    save_figure(figure, tmp_path / "plot.png")
    with Image.open(tmp_path / "plot.png") as image:
        assert image.size == (240, 120)
    assert [path.name for path in tmp_path.iterdir()] == ["plot.png"]


def test_a_figure_that_fails_leaves_the_older_one(tmp_path, monkeypatch):
    figure, _ = new_figure(2, 1)
    (tmp_path / "plot.png").write_text("older")

    def fail(path):
        path.write_text("half")
        raise OSError("no room")

    monkeypatch.setattr(figure, "savefig", fail)
    with pytest.raises(OSError, match="no room"):
        save_figure(figure, tmp_path / "plot.png")
    assert [path.name for path in tmp_path.iterdir()] == ["plot.png"]
    assert (tmp_path / "plot.png").read_text() == "older"
