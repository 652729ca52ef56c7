"""Pages of one file: HTML with its style and its images inside, for any browser, without a network.

Every text that comes from a user's files goes through `escaped`.
"""

import base64
import html
import io
import re

import numpy as np

from keras_crosspool.text import printable

_QUALITY = 80  # of JPEG
_STYLE = """
:root { color-scheme: light dark; --paper: #fff; --ink: #1b1b1b; --soft: #50565a; --line: #d3d6d8;
  --shade: #f3f4f5; --first: #0b5fa5; --second: #b4540a; }
@media (prefers-color-scheme: dark) { :root { --paper: #15181a; --ink: #eceeed; --soft: #a8b0b3;
  --line: #3b4144; --shade: #202426; --first: #74b9f0; --second: #f0a35e; } }
* { box-sizing: border-box; }
body { font: 15px/1.45 system-ui, sans-serif; margin: 2em auto; max-width: 72em; padding: 0 1em;
  color: var(--ink); background: var(--paper); overflow-wrap: anywhere; }
h1 { font-size: 1.5em; line-height: 1.25; } h2 { font-size: 1.15em; margin-top: 2em; }
pre { background: var(--shade); padding: 1em; overflow-x: auto; }
.all { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(22em, 100%), 1fr));
  gap: 1em; }
article { border: 1px solid var(--line); border-radius: 6px; padding: .7em; }
article p { margin: .5em 0 0; }
.pair { display: flex; flex-wrap: wrap; gap: .6em; } figure { margin: 0; }
.pair figure { width: 160px; } .pair img { display: block; max-width: 100%; height: auto; }
figcaption { font-size: .8em; color: var(--soft); }
.wide { overflow-x: auto; }
table { border-collapse: collapse; }
td, th { border-bottom: 1px solid var(--line); padding: .25em .8em .25em 0; text-align: left;
  vertical-align: top; }
td { font-variant-numeric: tabular-nums; }
thead th, thead + tbody td { overflow-wrap: normal; }
tbody th { min-width: 5em; }
@media (max-width: 40em) { body { margin-top: 1em; font-size: 14px; }
  td, th { padding-right: .45em; } }
@media print { :root { color-scheme: light; --paper: #fff; --ink: #000; --soft: #333; --line: #999;
  --shade: #f3f4f5; --first: #0b5fa5; --second: #b4540a; }
  body { margin: 0; max-width: none; font-size: 10pt; } h2 { break-after: avoid; }
  article, figure, tr { break-inside: avoid; } .wide { overflow: visible; } }
"""


def page(title, parts, style=""):
    """Writes a page as text.

    Args:
        title: str, which is also its first heading.
        parts: iterable of str, HTML of what follows the heading.
        style: str, CSS beside that of all pages. Defaults to none.

    Yields:
        str, parts of the HTML.
    """
    yield (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escaped(title)}</title>\n<style>{_STYLE}{style}</style>\n</head>\n"
        f"<body>\n<h1>{escaped(title)}</h1>\n"
    )
    yield from parts
    yield "</body>\n</html>\n"


def escaped(text):
    """Text of any kind as HTML that shows it; control characters stand as their escapes.

    Example:

    >>> escaped("<script>\\x1b"), escaped(12)
    ('&lt;script&gt;\\\\x1b', '12')
    """
    return html.escape(printable(text))


def prose(text):
    """Sentences as HTML, in which what stands between backquotes is code.

    Example:

    >>> prose("`a < b` holds")
    '<code>a &lt; b</code> holds'
    """
    return re.sub("`([^`]*)`", r"<code>\1</code>", escaped(text))


def picture(pixels, alt, side):
    """An image within the page, as a JPEG.

    Args:
        pixels: uint8 `(height, width, 3)`, RGB.
        alt: str, what it shows, for those who do not see it; empty where a caption says that.
        side: int, its width on the page in pixels.

    Returns:
        str, an `img` of HTML.

    Example:

    >>> picture(np.zeros((2, 2, 3), "uint8"), "a <dark> room", 160)[:60]
    '<img alt="a &lt;dark&gt; room" width="160" height="160" src='
    """
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(np.asarray(pixels)).save(file, "jpeg", quality=_QUALITY)
    data = base64.b64encode(file.getvalue()).decode("ascii")
    height = round(side * pixels.shape[0] / pixels.shape[1])
    return (
        f'<img alt="{escaped(alt)}" width="{side}" height="{height}" '
        f'src="data:image/jpeg;base64,{data}">'
    )


def table(columns, rows):
    """A table whose first cell of a row says what the row is about.

    Args:
        columns: sequence of str, the headings; none for rows of a name and what is said of it.
        rows: iterable of sequences of text, one a column.

    Returns:
        str, HTML.

    Example:

    >>> print(table(["class", "images"], [["a & b", 3]]), end="")
    <div class="wide"><table>
    <thead><tr><th scope="col">class</th><th scope="col">images</th></tr></thead>
    <tbody>
    <tr><th scope="row">a &amp; b</th><td>3</td></tr>
    </tbody></table></div>
    """
    heads = "".join(f'<th scope="col">{escaped(name)}</th>' for name in columns)
    head = f"<thead><tr>{heads}</tr></thead>\n" if columns else ""
    lines = [
        f'<tr><th scope="row">{escaped(first)}</th>'
        + "".join(f"<td>{escaped(cell)}</td>" for cell in rest)
        + "</tr>\n"
        for first, *rest in rows
    ]
    return f'<div class="wide"><table>\n{head}<tbody>\n{"".join(lines)}</tbody></table></div>\n'
