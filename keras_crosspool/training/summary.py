"""What a person sees at the end of training: a short table in plain words."""

import shlex
import textwrap

from keras_crosspool.report.facts import facts
from keras_crosspool.text import printable

_WIDTH = 80


def summary(metadata, output):
    """The outcome of a training run in a few lines of at most 80 columns.

    A path that is longer than that is not broken.

    Args:
        metadata: `ModelMetadata` of the run.
        output: path of the model directory.

    Returns:
        str, without a line break at the end.
    """
    rows = [*facts(metadata), ("directory", str(output))]
    width = max(len(label) for label, _ in rows) + 2
    lines = [_line(label, printable(text), width) for label, text in rows]
    return "\n".join([*lines, _command(_next(metadata, output), width)])


def _next(metadata, output):
    """The words of a command that runs: the scores of each class, or else files for use."""
    split = metadata.data.get("val_split")
    if split is None:
        return ["crosspool", "export", f"--model={output}", "--output=artefacts"]
    return ["crosspool", "evaluate", f"--model={output}", f"--split={split}"]


def _line(label, text, width):
    return textwrap.fill(
        text,
        _WIDTH,
        initial_indent=f"{label:<{width}}",
        subsequent_indent=" " * width,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _command(words, width):
    """A command that can be copied: on one line, or with a backslash at the end of each line."""
    words = [shlex.quote(printable(word)) for word in words]
    fits = width + len(" ".join(words)) <= _WIDTH
    between = " " if fits else f" \\\n{' ' * (width + 4)}"
    return f"{'next':<{width}}{between.join(words)}"
