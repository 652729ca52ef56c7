"""Curves and dots as SVG within a page: they follow its colours, in the dark and on paper."""

import dataclasses
import math

import numpy as np

from keras_crosspool.html_page import escaped, table

_WIDTH, _HEIGHT = 460, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 68, 14, 12, 46
_MOST_POINTS = 200  # of a line
_TICKS = 6
STYLE = """
.chart svg { width: 100%; max-width: 32em; height: auto; display: block; }
.chart text { font: 14px system-ui, sans-serif; fill: var(--ink); }
.chart .grid { stroke: var(--line); } .chart .equal { stroke: var(--soft); }
.chart .s0 { stroke: var(--first); fill: var(--first); }
.chart .s1 { stroke: var(--second); fill: var(--second); }
.chart polyline, .key line { fill: none; stroke-width: 2.5; }
.chart polyline.s0, .key .s0 { fill: none; }
.chart polyline.s1, .key .s1 { fill: none; stroke-dasharray: 7 4; }
.chart circle { fill-opacity: .4; } .key { display: inline-block; margin-right: 1em; }
.chart .key svg { display: inline; width: 30px; height: 10px; vertical-align: middle; }
.chart { max-width: 32em; } .chart details { margin-top: .5em; }
"""


@dataclasses.dataclass(frozen=True)
class Series:
    """What one chart draws in one colour.

    Attributes:
        name: str.
        points: float `(n, 2)`, across and up.
        dots: bool, whether they are dots instead of a line. Defaults to `False`.
        areas: float `(n,)`, the areas of the dots, from 0 to 1. Defaults to equal ones.
        labels: tuple of str, beside the dots. Defaults to none.
    """

    name: str
    points: np.ndarray
    dots: bool = False
    areas: np.ndarray | None = None
    labels: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Chart:
    """A chart with its axes.

    Attributes:
        title: str, what it shows, which is its text for those who do not see it.
        across: str, what the horizontal axis is.
        up: str, what the vertical axis is.
        series: tuple of one or two `Series`.
        across_range: tuple of two floats. Defaults to that of the points.
        up_range: likewise.
        is_logarithmic: bool, whether the horizontal axis is. Defaults to `False`.
        diagonal: bool, whether the line of equal values is drawn. Defaults to `False`.
        least_step: float, from one tick across to the next at least. Defaults to `0`, any.
    """

    title: str
    across: str
    up: str
    series: tuple[Series, ...]
    across_range: tuple[float, float] | None = None
    up_range: tuple[float, float] | None = None
    is_logarithmic: bool = False
    diagonal: bool = False
    least_step: float = 0.0

    def to_html(self, columns=(), rows=()):
        """The chart as HTML, with its figures in a table to unfold where they are given.

        Args:
            columns: sequence of str, the headings of the table. Defaults to none.
            rows: its rows, as `keras_crosspool.html_page.table` takes them. Defaults to none.
        """
        across, up = self._scales()
        drawn = "".join(
            [
                *self._grid(across, up),
                self._diagonal(across, up),
                *(_draw(i, each, across, up) for i, each in enumerate(self.series)),
            ]
        )
        keys = "".join(_key(i, each.name) for i, each in enumerate(self.series))
        if len(self.series) == 1:  # the axes say what it is
            keys = ""
        figures = table(columns, rows) if columns else ""
        if figures:
            figures = f"<details><summary>The figures</summary>{figures}</details>"
        return (
            f'<figure class="chart"><svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
            f'aria-label="{escaped(self.title)}">{drawn}</svg>'
            f"<figcaption>{keys}</figcaption>{figures}</figure>\n"
        )

    def _scales(self):
        points = np.concatenate([each.points for each in self.series])
        across_ends = self.across_range or _ends(points[:, 0], self.is_logarithmic)
        up_ends = self.up_range or _ends(points[:, 1])
        at = (_LEFT, _WIDTH - _RIGHT)
        return (
            _Scale(across_ends, at, self.is_logarithmic, self.least_step),
            _Scale(up_ends, (_HEIGHT - _BOTTOM, _TOP)),
        )

    def _grid(self, across, up):
        for value in across.ticks():
            x = across(value)
            yield f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{up.at[0]}"/>'
            yield f'<text x="{x:.1f}" y="{up.at[0] + 17}" text-anchor="middle">{value:g}</text>'
        for value in up.ticks():
            y = up(value)
            yield f'<line class="grid" x1="{_LEFT}" x2="{across.at[1]}" y1="{y:.1f}" y2="{y:.1f}"/>'
            yield f'<text x="{_LEFT - 6}" y="{y + 5:.1f}" text-anchor="end">{value:g}</text>'
        middle = (_LEFT + across.at[1]) / 2
        yield f'<text x="{middle}" y="{_HEIGHT - 8}" text-anchor="middle">{escaped(self.across)}'
        yield f'</text><text transform="translate(14 {(_TOP + up.at[0]) / 2}) rotate(-90)" '
        yield f'text-anchor="middle">{escaped(self.up)}</text>'

    def _diagonal(self, across, up):
        if not self.diagonal:
            return ""
        first, last = across.ends
        return (
            f'<line class="equal" x1="{across(first):.1f}" y1="{up(first):.1f}" '
            f'x2="{across(last):.1f}" y2="{up(last):.1f}" stroke-dasharray="3 3"/>'
        )


@dataclasses.dataclass(frozen=True)
class _Scale:
    """From the values between two ends to positions in the drawing."""

    ends: tuple[float, float]
    at: tuple[float, float]
    is_logarithmic: bool = False
    least_step: float = 0.0

    def __call__(self, value):
        values = (value, *self.ends)
        value, first, last = map(math.log10, values) if self.is_logarithmic else values
        return self.at[0] + (value - first) / (last - first) * (self.at[1] - self.at[0])

    def ticks(self):
        first, last = self.ends
        if self.is_logarithmic:
            decades = range(math.floor(math.log10(first)), math.ceil(math.log10(last)) + 1)
            marks = [digit * 10.0**decade for decade in decades for digit in (1, 2, 5)]
            return [mark for mark in marks if first <= mark <= last]
        step = max(_step((last - first) / _TICKS), self.least_step)
        numbers = range(math.ceil(first / step - 1e-9), math.floor(last / step + 1e-9) + 1)
        return [number * step for number in numbers]


def _step(least):
    """The smallest of 1, 2 and 5 times a power of ten that is not below a value."""
    decade = 10.0 ** math.floor(math.log10(least))
    return next(digit * decade for digit in (1, 2, 5, 10) if digit * decade >= least * (1 - 1e-9))


def _ends(values, is_logarithmic=False):
    """The ends of an axis, a little beyond the values."""
    low, high = float(values.min()), float(values.max())
    if is_logarithmic:
        return low / 1.3, high * 1.3
    margin = (high - low) / 20 or abs(high) / 10 or 1.0
    return low - margin, high + margin


def _draw(number, series, across, up):
    points = series.points
    if not series.dots and len(points) > 1:  # a line of one point would not be seen
        chosen = np.linspace(0, len(points) - 1, min(len(points), _MOST_POINTS)).round().astype(int)
        path = " ".join(f"{across(x):.1f},{up(y):.1f}" for x, y in points[chosen])
        return f'<polyline class="s{number}" points="{path}"/>'
    areas = np.full(len(points), 0.04) if series.areas is None else series.areas
    dots = [
        f'<circle class="s{number}" cx="{across(x):.1f}" cy="{up(y):.1f}" '
        f'r="{3 + 18 * math.sqrt(area):.1f}"/>'
        for (x, y), area in zip(points, areas, strict=True)
    ]
    labels = [
        # Above and below in turn, so that those of two dots in one place can be read.
        f'<text x="{across(x):.1f}" y="{up(y) + (24 if i % 2 else -13):.1f}" '
        f'text-anchor="middle">{escaped(label)}</text>'
        for i, ((x, y), label) in enumerate(zip(points, series.labels, strict=False))
    ]
    return "".join(dots + labels)


def _key(number, name):
    return (
        '<span class="key"><svg viewBox="0 0 30 10" aria-hidden="true">'
        f'<line class="s{number}" x1="1" x2="29" y1="5" y2="5"/></svg> {escaped(name)}</span>'
    )
