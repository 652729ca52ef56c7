"""The page of an audit: every finding with its pictures side by side, in one file."""

import itertools

from keras_crosspool.audit.finding import KINDS
from keras_crosspool.data.images import decode_image
from keras_crosspool.html_page import escaped, page, picture, table

_SIDE = 160  # pixels of a picture
_MOST = 200  # findings of a kind that are shown


def audit_page(report, photographs):
    """Writes the page as text.

    Args:
        report: `AuditReport`.
        photographs: `Photographs`, whose images are shown.

    Yields:
        str, parts of the HTML. It needs no other file and no network.
    """
    yield from page(f"Audit of {report.data}", _parts(report, photographs))


def _parts(report, photographs):
    index = {file: number for number, file in enumerate(photographs.files)}
    lines = "\n".join(map(escaped, str(report).splitlines()))
    yield f"<pre>{lines}</pre>\n"
    yield "<p>The score runs from 0 to 1: the lower, the surer the finding.</p>\n"
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


def _card(finding, index, photographs):
    files = [name for name in (finding.file, finding.other_file) if name]
    figures = "".join(_figure(name, index, photographs) for name in files)
    return (
        f'<article><div class="pair">{figures}</div>'
        f"<p>{escaped(finding.advice)} <small>score {finding.score:.3f}</small></p></article>\n"
    )


def _figure(name, index, photographs):
    image, labels = "(no picture)", ""
    if name in index:
        image = picture(_pixels(index[name], photographs), "", _SIDE)
        classes = photographs.classes_of(index[name])
        labels = f"{escaped(', '.join(classes) or 'no label')}<br>"
    return f"<figure>{image}<figcaption>{labels}{escaped(name)}</figcaption></figure>"


def _pixels(number, photographs):
    """A small square of an image."""
    images = photographs.images
    return decode_image(images.read(number), _SIDE, images.names[number], images.max_megapixels)


def _classes(report):
    lines = [
        f"<li>{escaped(pair.first)} and {escaped(pair.second)}: {100 * pair.share:.0f} % "
        f"are taken for the other. {escaped(pair.advice)}</li>"
        for pair in report.alike
    ]
    alike = f"<h2>Classes too alike to tell</h2>\n<ul>{''.join(lines)}</ul>\n" if lines else ""
    rows = [
        (
            found.name,
            found.images,
            found.sessions,
            "" if found.right is None else f"{100 * found.right:.0f} %",
            found.advice,
        )
        for found in report.classes
    ]
    columns = ("class", "images", "sessions", "right", "photograph next")
    return (
        f"{alike}<h2>Classes</h2>\n<p>Right: the share of images that are told right by a "
        f"classifier that has not seen their session.</p>\n{table(columns, rows)}"
    )
