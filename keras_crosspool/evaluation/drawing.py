"""Figures of bounded size, and names as Matplotlib draws them."""

import functools
import math

from keras_crosspool.files import atomic_path
from keras_crosspool.text import printable

_DPI = 120
_MOST_PIXELS = 64e6  # of a figure: 256 MB while it is drawn
_LONGEST_SIDE = 30_000  # pixels; Matplotlib itself refuses 65536
_LONGEST_NAME = 32  # characters


def new_figure(width, height, rows=1, columns=1):
    """A figure and its axes, drawn without a screen.

    Args:
        width: float, inches.
        height: float, inches.
        rows: int, axes from top to bottom. Defaults to `1`.
        columns: int, axes from left to right. Defaults to `1`.

    Returns:
        The `Figure`, of 120 pixels an inch or what fewer make 64 million in all, and an array
        `(rows, columns)` of its axes.
    """
    from matplotlib.figure import Figure

    dpi = min(_DPI, _LONGEST_SIDE / max(width, height), math.sqrt(_MOST_PIXELS / (width * height)))
    figure = Figure(figsize=(width, height), dpi=dpi, layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False)


def save_figure(figure, path):
    """Writes a figure as an image, whole or not at all.

    Args:
        figure: matplotlib `Figure`.
        path: path of the image; the suffix tells its format.

    Raises:
        OSError: if it cannot be written.
    """
    with atomic_path(path) as partial:
        figure.savefig(partial)


def drawable(name):
    r"""A name as text that Matplotlib draws as it is, and without a warning.

    Args:
        name: str; of more than 32 characters the middle is left out.

    Returns:
        str; characters that the font lacks stand as their escapes, and a dollar has a backslash
        before it, so that it begins no mathematics.

    Example:

    >>> drawable("$5 pear \U0001f350")
    '\\$5 pear \\U0001f350'
    """
    glyphs = _glyphs()
    text = "".join(
        character if ord(character) in glyphs else character.encode("unicode_escape").decode()
        for character in printable(name)
    )
    if len(text) > _LONGEST_NAME:
        text = f"{text[: _LONGEST_NAME // 2]}…{text[1 - _LONGEST_NAME // 2 :]}"
    # Not by `parse_math=False`, which Matplotlib forgets where it wraps a line.
    return text.replace("$", r"\$")


@functools.cache
def _glyphs():
    """The characters that the font of figures has."""
    from matplotlib import font_manager

    return frozenset(font_manager.get_font(font_manager.findfont(None)).get_charmap())
