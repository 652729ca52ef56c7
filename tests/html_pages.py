"""Reads a page as a browser would: its figures, tables, images and curves."""

import html.parser

import numpy as np

_VOID = {"img", "meta", "line", "circle", "polyline", "br"}


class Page(html.parser.HTMLParser):
    """A page that is parsed.

    Attributes:
        text: str, all text.
        values: dict, the id of a `data` element to its value.
        tiles: list of str, the texts of the boxes at the top.
        tables: list of tables, each a list of rows of str.
        images: list of dict, the attributes of each image.
        headings: list of int, their levels in order.
        sources: list of str, all that a browser would fetch.
        charts: dict, the text of a chart to its `Curve`.
    """

    def __init__(self, text):
        super().__init__()
        self.text, self.values, self.tables, self.images = "", {}, [], []
        self.headings, self.sources, self.tags, self.charts, self.bytes = (
            [],
            [],
            set(),
            {},
            len(text),
        )
        self._open, self._cell, self._axis, self._curve = [], None, None, None
        self.feed(text)
        self.close()
        assert self._open == [], self._open

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.tags.add(tag)
        self.sources += [attributes[name] for name in ("src", "href") if name in attributes]
        if tag not in _VOID:
            self._open.append(tag)
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self._cell = ""
        elif tag == "img":
            self.images.append(attributes)
        elif tag == "data" and "id" in attributes:
            self.values[attributes["id"]] = float(attributes["value"])
        elif tag in ("h1", "h2", "h3", "h4"):
            self.headings.append(int(tag[1]))
        elif tag == "svg" and "aria-label" in attributes:
            self._curve = self.charts[attributes["aria-label"]] = Curve()
        elif tag == "text" and attributes.get("text-anchor") and "x" in attributes:
            self._axis = attributes
        elif tag == "polyline":
            pairs = [pair.split(",") for pair in attributes["points"].split()]
            self._curve.lines.append(np.array(pairs, float))
        elif tag == "circle":
            self._curve.dots.append([float(attributes["cx"]), float(attributes["cy"])])

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in _VOID:
            self._open.pop()

    def handle_endtag(self, tag):
        assert self._open.pop() == tag
        if tag in ("td", "th"):
            self.tables[-1][-1].append(self._cell)
            self._cell = None
        elif tag == "text":
            self._axis = None

    def handle_data(self, data):
        self.text += data
        if self._cell is not None:
            self._cell += data
        if self._axis and _is_number(data):
            ticks = self._curve.up if self._axis["text-anchor"] == "end" else self._curve.across
            at = float(self._axis["y"]) - 5 if ticks is self._curve.up else float(self._axis["x"])
            ticks.append((at, float(data)))

    def table(self, *columns):
        """The rows of the table with these headings, without them."""
        (found,) = [rows for rows in self.tables if rows[0] == list(columns)]
        return found[1:]


class Curve:
    """What a chart draws, by its ticks in units of its axes."""

    def __init__(self):
        self.lines, self.dots, self.across, self.up = [], [], [], []

    def in_units(self, points):
        """Positions `(n, 2)` in the drawing as values of both axes."""
        points = np.array(points, float)
        columns = [
            np.polyval(np.polyfit(*np.array(ticks).T, 1), points[:, i])
            for i, ticks in enumerate((self.across, self.up))
        ]
        return np.stack(columns, axis=1)


def _is_number(text):
    try:
        float(text)
    except ValueError:
        return False
    return True
