"""Names that mean something to Matplotlib, to a terminal or to rich are only names."""

import io

import numpy as np
import pytest

from keras_crosspool.evaluation import plots
from keras_crosspool.evaluation.drawing import drawable, new_figure
from keras_crosspool.retrieval.contact_sheet import plot_contact_sheet
from keras_crosspool.retrieval.neighbours import Neighbour
from keras_crosspool.retrieval.query import Query
from keras_crosspool.retrieval.store import IndexRow
from keras_crosspool.tables import print_table

NAMES = {
    "a dollar": "$5 pear",
    "broken mathematics": "$\\frac{$",
    "an open subscript": "a_{ $b$ _{",
    "terminal escapes": "\x1b[31mred\x1b[0m\x1b]0;title\x07",
    "rich markup": "[red]pear[/red] [/]",
    "an emoji's code": ":pear:",
    "an emoji and Chinese": "🍐 梨子",
    "bytes that are not UTF-8": "caf\udce9",
    "line breaks": "a\nb\r\tc",
    "a direction mark": "gpj.\u202eexe",
    "ten thousand letters": "x" * 10_000,
    "nothing": "",
}


@pytest.mark.parametrize("kind", NAMES)
def test_every_plot_draws_it(tmp_path, kind, tried):
    name = NAMES[kind]
    names, image = [name, "plum"], np.zeros((8, 8, 3), "uint8")
    logits, labels = np.eye(2)[[0, 1, 1]], np.array([0, 0, 1])
    plots.plot_confusion(logits, labels, names, tmp_path / "a.png")
    pairs = plots.most_confused(logits, labels)
    plots.plot_confused_pairs(pairs, {1: image}, labels, names, tmp_path / "b.png")
    plots.plot_average_precisions({name: 0.5, "plum": 0.7}, 0.6, tmp_path / "c.png")
    heat, boxes = np.ones((1, 1, 4, 4)), np.empty((1, 1, 0, 4), int)
    titles = [[f"{drawable(name)}\nlogit 1.0"]]
    plots.plot_explanations(image[None], heat, titles, boxes, tmp_path / "d.png")
    found = Neighbour(0, 0.5, IndexRow(name, (name, "plum"), 0, 0))
    plot_contact_sheet([Query(name, image, (found,))], {0: image}, tmp_path / "e.png")
    assert len(list(tmp_path.iterdir())) == 5
    tried("names", f"a class named with {kind}", f"drawn as {drawable(name)}")


def _ink(text, parse_math=False):
    figure, axes = new_figure(4, 1)
    axes[0, 0].set_axis_off()
    axes[0, 0].text(0, 0, text, parse_math=parse_math)
    file = io.BytesIO()
    figure.savefig(file, format="raw")
    return file.getvalue()


@pytest.mark.parametrize("name", ["$x$", r"\$x\$", "$5", r"\\$", "$\\frac{$", "$$", "a_b^c"])
def test_what_is_drawn_is_the_name_itself(name):
    assert _ink(drawable(name), parse_math=True) == _ink(name)


@pytest.mark.parametrize("kind", NAMES)
def test_a_table_prints_it(capsys, kind):
    name = NAMES[kind]
    print_table(["class", "score"], [[name, "0.5"], ["[bold]plum", "0.25"]])
    printed = capsys.readouterr().out
    assert "\x1b" not in printed
    assert "[bold]plum" in printed
    cells = (line.split("│")[1] for line in printed.splitlines() if "│" in line)
    joined = "".join(cell.strip() for cell in cells)
    expected = {
        "an emoji and Chinese": "🍐梨子",
        "terminal escapes": r"\x1b[31mred\x1b[0m\x1b]0;title\x07",
        "bytes that are not UTF-8": r"caf\udce9",
        "line breaks": r"a\nb\r\tc",
        "a direction mark": r"gpj.\u202eexe",
    }
    shown = expected.get(kind, name[:1000])
    assert shown.replace(" ", "") in joined.replace(" ", "")


def test_figures_are_bounded():
    for size in ((4, 3), (3000, 20), (20, 3000), (500, 500)):
        figure, _ = new_figure(*size)
        width, height = figure.canvas.get_width_height()
        assert width * height <= 64e6
        assert max(width, height) <= 30_000
    figure, _ = new_figure(4, 3)
    assert figure.canvas.get_width_height() == (480, 360)
