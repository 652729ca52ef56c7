"""The page of an audit: every finding with its pictures side by side, in one file."""

import base64
import html
import io
import itertools

from keras_crosspool.audit.finding import KINDS
from keras_crosspool.data.images import decode_image

_SIDE = 160  # pixels of a picture
_QUALITY = 80
_MOST = 200  # findings of a kind that are shown
_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 2em auto; max-width: 72em; padding: 0 1em;
  color: #1b1b1b; background: #fff; }
h1 { font-size: 1.5em; } h2 { font-size: 1.15em; margin-top: 2em; }
pre { background: #f3f3f3; padding: 1em; overflow-x: auto; }
.all { display: grid; grid-template-columns: repeat(auto-fill, minmax(22em, 1fr)); gap: 1em; }
article { border: 1px solid #d0d0d0; border-radius: 6px; padding: .7em; }
.pair { display: flex; gap: .6em; } figure { margin: 0; width: 160px; }
figcaption { font-size: .8em; overflow-wrap: anywhere; color: #444; }
article p { margin: .5em 0 0; overflow-wrap: anywhere; } table { border-collapse: collapse; }
td, th { border-bottom: 1px solid #ddd; padding: .25em .8em .25em 0; text-align: left; }
"""


def audit_page(report, photographs):
    """Writes the page as text.

    Args:
        report: `AuditReport`.
        photographs: `Photographs`, whose images are shown.

    Yields:
        str, parts of the HTML. It needs no other file and no network.
    """
    index = {file: number for number, file in enumerate(photographs.files)}
    yield (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width">\n'
        f"<title>Audit of {html.escape(report.data)}</title>\n<style>{_STYLE}</style>\n</head>\n"
        f"<body>\n<h1>Audit of {html.escape(report.data)}</h1>\n"
        f"<pre>{html.escape(str(report))}</pre>\n"
        "<p>The score runs from 0 to 1: the lower, the surer the finding.</p>\n"
    )
    for kind, heading in KINDS.items():
        found = report.of_kind(kind)
        if found:
            yield f"<h2>{heading} ({len(found)})</h2>\n"
            if len(found) > _MOST:
                yield f"<p>The {_MOST} surest are shown; audit.csv has all.</p>\n"
            yield '<div class="all">\n'
            for finding in itertools.islice(found, _MOST):
                yield _card(finding, index, photographs)
            yield "</div>\n"
    yield _classes(report)
    yield "</body>\n</html>\n"


def _card(finding, index, photographs):
    files = [name for name in (finding.file, finding.other_file) if name]
    figures = "".join(_figure(name, index, photographs) for name in files)
    return (
        f'<article><div class="pair">{figures}</div>'
        f"<p>{html.escape(finding.advice)} <small>score {finding.score:.3f}</small></p></article>\n"
    )


def _figure(name, index, photographs):
    picture = "(no picture)"
    labels = ""
    if name in index:
        picture = f'<img src="{_picture(index[name], photographs)}" alt="" width="{_SIDE}">'
        classes = photographs.classes_of(index[name])
        labels = f"{html.escape(', '.join(classes) or 'no label')}<br>"
    return f"<figure>{picture}<figcaption>{labels}{html.escape(name)}</figcaption></figure>"


def _picture(number, photographs):
    """A small square of an image as a data URI."""
    from PIL import Image

    images = photographs.images
    name, limit = images.names[number], images.max_megapixels
    file = io.BytesIO()
    Image.fromarray(decode_image(images.read(number), _SIDE, name, limit)).save(
        file, "jpeg", quality=_QUALITY
    )
    return f"data:image/jpeg;base64,{base64.b64encode(file.getvalue()).decode('ascii')}"


def _classes(report):
    lines = [
        f"<li>{html.escape(pair.first)} and {html.escape(pair.second)}: {100 * pair.share:.0f} % "
        f"are taken for the other. {html.escape(pair.advice)}</li>"
        for pair in report.alike
    ]
    alike = f"<h2>Classes too alike to tell</h2>\n<ul>{''.join(lines)}</ul>\n" if lines else ""
    rows = "".join(
        f"<tr><td>{html.escape(found.name)}</td><td>{found.images}</td><td>{found.sessions}</td>"
        f"<td>{'' if found.right is None else f'{100 * found.right:.0f} %'}</td>"
        f"<td>{html.escape(found.advice)}</td></tr>\n"
        for found in report.classes
    )
    return (
        f"{alike}<h2>Classes</h2>\n<p>Right: the share of images that are told right by a "
        "classifier that has not seen their session.</p>\n<table>\n<tr><th>class</th>"
        "<th>images</th><th>sessions</th><th>right</th><th>photograph next</th></tr>\n"
        f"{rows}</table>\n"
    )
