"""The section of look-alikes: photographs and their heat maps, side by side."""

from keras_crosspool.html_page import escaped, picture
from keras_crosspool.report.look_alikes import SIDE
from keras_crosspool.targets import SINGLE_LABEL

PAIR_STYLE = """
.look-alikes { display: grid; gap: 1em; } .look-alikes h3 { margin: 0; font-size: 1em; }
.sides { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(24em, 100%), 1fr));
  gap: 1em; margin-top: .6em; }
.sides h4 { margin: 0 0 .3em; font-size: .95em; font-weight: 600; }
.sides .pair { display: grid; grid-template-columns: repeat(3, minmax(0, 160px)); }
.sides .pair figure { width: auto; }
"""


def look_alike_cards(look_alikes, metadata):
    """The section of what is mixed up; nothing where nothing is.

    Args:
        look_alikes: sequence of `LookAlike`.
        metadata: `ModelMetadata`.

    Yields:
        str, HTML.
    """
    if not look_alikes:
        return
    if metadata.task == SINGLE_LABEL.name:
        yield (
            "<h2>Look-alikes</h2>\n<p>The classes that are mixed up most. First the mistake "
            "that the model is surest of, then the photograph that it is surest of "
            "among those that it tells right.</p>\n"
        )
    else:
        yield (
            "<h2>Hardest labels</h2>\n<p>The labels with the lowest average precision. First "
            "the photograph without the label that the model is surest to have it, then the surest "
            "photograph with the label.</p>\n"
        )
    if look_alikes[0].wrong.heat_maps:
        yield (
            "<p>The heat maps are exact: orange adds to the score of the class, blue subtracts; "
            "all of it, the bias of the class and what all classes share add up to the logit. One "
            "scale of colours holds for a photograph.</p>\n"
        )
    yield '<div class="look-alikes">\n'
    yield from map(_card, look_alikes)
    yield "</div>\n"


def _card(pair):
    sides = "".join(_side(each) for each in (pair.wrong, pair.right) if each)
    return (
        f"<article><h3>{escaped(pair.heading)}</h3><p>{escaped(pair.words)}</p>"
        f'<div class="sides">{sides}</div></article>\n'
    )


def _side(explained):
    photograph = picture(explained.image, f"Photograph: {explained.words}", SIDE)
    figures = [f"<figure>{photograph}<figcaption>{escaped(explained.file)}</figcaption></figure>"]
    for heat in explained.heat_maps:
        words = f"{heat.class_name}, logit {heat.logit:.2f}"
        image = picture(heat.image, f"Heat map: what speaks for {heat.class_name}", SIDE)
        figures.append(f"<figure>{image}<figcaption>{escaped(words)}</figcaption></figure>")
    return (
        f'<section><h4>{escaped(explained.words)}</h4><div class="pair">{"".join(figures)}</div>'
        "</section>"
    )
