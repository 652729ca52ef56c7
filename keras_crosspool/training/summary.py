"""What a person sees at the end of training: a short table in plain words."""

import shlex
import textwrap

from keras_crosspool.targets import TARGETS
from keras_crosspool.text import printable

_WIDTH = 80
_BASELINE = "global average pooling"
_STAGES = ("solved", "fine_tuned", "solved_again")


def summary(metadata, output):
    """The outcome of a training run in a few lines of at most 80 columns.

    A path that is longer than that is not broken.

    Args:
        metadata: `ModelMetadata` of the run.
        output: path of the model directory.

    Returns:
        str, without a line break at the end.
    """
    metric = TARGETS[metadata.task].metric
    rows = [
        ("model", _model(metadata)),
        ("training", _images(metadata, metadata.data["train_split"])),
        (_words(metric), _score(metadata, metric)),
        ("baseline", _baseline(metadata.metrics, metric)),
        ("cross-validated", _cross_validated(metadata.metrics, metric)),
        ("scheme", _scheme(metadata.metrics)),
        ("stages", _stages(metadata.metrics, metric)),
        ("alpha", _alpha(metadata.metrics)),
        ("seconds", _seconds(metadata.metrics.get("seconds", {}))),
    ]
    rows = [(label, text) for label, text in rows if text]
    rows += [("directory", str(output))]
    width = max(len(label) for label, _ in rows) + 2
    lines = [_line(label, printable(text), width) for label, text in rows]
    return "\n".join([*lines, _command(_next(metadata, output), width)])


def _model(metadata):
    size = metadata.image_size
    return f"{metadata.name}, {len(metadata.class_names)} classes, {size} x {size} px"


def _images(metadata, split):
    """How many photographs of a split were used; the counts may be missing in older records."""
    used = metadata.data.get("used", {}).get(split)
    if used is None:
        return f"split {split}"
    left_out = sum(metadata.data.get("left_out", {}).get(split, {}).values())
    note = f", {left_out} left out" if left_out else ""
    return f"{used} photographs of split {split}{note}"


def _score(metadata, metric):
    split, score = metadata.data.get("val_split"), metadata.metrics.get(metric)
    if not split or score is None:
        return "not measured; --val_split names the split to measure it on"
    return f"{_percent(score)} on {_images(metadata, split)}"


def _baseline(metrics, metric):
    """The baseline on the same photographs, or in cross-validation where there are none."""
    for key in (metric, f"cross_validated_{metric}"):
        score, other = metrics.get(key), metrics.get(f"baseline_{key}")
        if score is not None and other is not None:
            gain = 100 * (score - other)
            note = ", not fine-tuned" if _was_tuned(metrics) else ""
            note += "" if key == metric else ", cross-validated"
            return f"{_percent(other)} by {_BASELINE}{note}; the model {gain:+.1f} points"
    return None


def _cross_validated(metrics, metric):
    score = metrics.get(f"cross_validated_{metric}")
    if score is None:
        return None
    before = ", before fine-tuning" if _was_tuned(metrics) else ""
    return f"{_percent(score)} on the training photographs{before}"


def _was_tuned(metrics):
    return "fine_tuning" in metrics.get("seconds", {})


def _scheme(metrics):
    chosen = metrics.get("chosen_scheme")
    return chosen and f"{chosen}, chosen by cross-validation"


def _stages(metrics, metric):
    """How the stages of a run with fine-tuning validated, and whose weights were kept."""
    kept = metrics.get("kept_stage")
    if kept is None:
        return None
    scores = {stage: metrics.get(f"{stage}_{metric}") for stage in _STAGES}
    reached = [f"{_words(s)} {_percent(x)}" for s, x in scores.items() if x is not None]
    return f"{', '.join(reached)}; kept: {_words(kept)}"


def _alpha(metrics):
    alpha = metrics.get("alpha")
    return None if alpha is None else f"{alpha:g}, the ridge or SVM penalty that was chosen"


def _seconds(stages):
    if not stages:
        return None
    parts = ", ".join(f"{_words(stage)} {seconds:.1f}" for stage, seconds in stages.items())
    total = f"; together {sum(stages.values()):.1f}" if len(stages) > 1 else ""
    return f"{parts}{total}"


def _next(metadata, output):
    """The words of the command that shows the scores of each class."""
    split = metadata.data.get("val_split")
    return ["crosspool", "evaluate", f"--model={output}", f"--split={split or 'SPLIT'}"]


def _percent(score):
    return f"{100 * score:.1f} %"


def _words(key):
    return key.replace("_", " ")


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
