"""What a training run writes beside the model: card, plots and the record of the run."""

import dataclasses
import functools
import pathlib
from collections.abc import Callable

from absl import logging

from keras_crosspool.data.pipeline import decoded_images_at
from keras_crosspool.evaluation import plots, score
from keras_crosspool.models.directory import add_files
from keras_crosspool.records import write_json
from keras_crosspool.targets import MULTI_LABEL, SINGLE_LABEL
from keras_crosspool.text import printable

_PAIR_SIDE = 160  # pixels of an image on the page of confused pairs


def write_report(directory, metadata, history, validation):
    """Writes the model card, the history and the plots into a model directory.

    The model is there already and worth more than any of them: what cannot be written is left out
    with a warning.

    Args:
        directory: path of the model directory.
        metadata: `ModelMetadata`.
        history: dict of the fine-tuning, empty without any.
        validation: `Predictions` of the validation split, or `None`.
    """
    directory = pathlib.Path(directory)
    if history:
        _add(directory, "history.json", lambda path: write_json(path, history))
        curve = functools.partial(plots.plot_training_curve, history)
        _add(directory, "plots/training_curve.png", curve)
    if validation:
        found = validation.split, validation.logits, validation.labels
        for name, draw in _WORDS[metadata.task].plots(metadata.class_names, *found):
            _add(directory, f"plots/{name}", draw)
    _add(directory, "README.md", functools.partial(_write_card, metadata, directory / "plots"))


def _add(directory, name, write):
    """Writes one file of the report, whole or not at all; warns where that fails."""
    try:
        add_files(directory, lambda folder: write(_made(folder / name)))
    # A report fails in ways that nobody can list: fonts, memory, images that are gone by now.
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        logging.warning("%s is whole, but its report lacks %s (%s)", directory, name, reason)


def _made(path):
    """A path whose folder was made."""
    path.parent.mkdir(exist_ok=True)
    return path


def _write_card(metadata, plots_directory, path):
    lines = _model_card(metadata, plots_directory).split("\n")
    path.write_text("\n".join(map(printable, lines)), encoding="utf-8")


def _confusion_plots(class_names, split, logits, labels):
    """The name and the drawing function of each plot."""
    coarse_names = split.coarse_names
    yield (
        "confusion_matrix.png",
        lambda path: plots.plot_confusion(logits, labels, class_names, path, coarse_names),
    )
    yield "reliability.png", lambda path: plots.plot_reliability(logits, labels, path)
    pairs = plots.most_confused(logits, labels)

    def draw_pairs(path):
        wanted = [index for *_, indices in pairs for index in indices]
        images = decoded_images_at(split, wanted, _PAIR_SIDE)
        plots.plot_confused_pairs(pairs, images, labels, class_names, path)

    if pairs:
        yield "confused_pairs.png", draw_pairs


def _average_precision_plots(class_names, _, logits, labels):
    """Likewise."""

    def draw(path):
        scores = score(logits, labels, class_names)
        precisions = {name: row["average_precision"] for name, row in scores.classes.items()}
        plots.plot_average_precisions(precisions, scores.mean_average_precision, path)

    yield "average_precision.png", draw


@dataclasses.dataclass(frozen=True)
class _Words:
    """What the report says and plots of one task."""

    does: str
    limits: str
    plots: Callable


_WORDS = {
    SINGLE_LABEL.name: _Words(
        "Tells {} classes apart in",
        "Whether an image is none of the classes is told by its logits, which is far from sure; "
        "`rejection` of model.json says how far.",
        _confusion_plots,
    ),
    MULTI_LABEL.name: _Words(
        "Finds {} labels, any number at once, in",
        "A label counts as found from its own probability on, in `thresholds` of model.json, "
        "chosen for the best F1 on the validation images, or by cross-validation without any. "
        "F1 scores on the same images are too high, most for labels with few images. The mean "
        "average precision needs no threshold.",
        _average_precision_plots,
    ),
}


def _model_card(metadata, plots_directory):
    scores = "\n".join(f"| {name} | {value:.4g} |" for name, value in metadata.scores.rows())
    arguments = "\n".join(f"- {name}: `{value}`" for name, value in metadata.arguments.items())
    versions = ", ".join(f"{name} {version}" for name, version in metadata.versions.items())
    images = "\n".join(
        f"![{path.stem}](plots/{path.name})" for path in sorted(plots_directory.glob("*.png"))
    )
    words = _WORDS[metadata.task]
    return f"""# {metadata.name}

{words.does.format(len(metadata.class_names))} images of {metadata.image_size} x \
{metadata.image_size} px. Expects {metadata.preprocessing}. Gives one logit a class, in the order \
of `class_names` in model.json.

```python
import keras_crosspool
model, metadata = keras_crosspool.load_model("DIRECTORY")
```

## Scores

| | |
|---|---|
{scores}

Training images: split `{metadata.data["train_split"]}` of `{metadata.data["path"]}`, sha256
`{metadata.data["fingerprint"]}`. Validation split: `{metadata.data["val_split"] or "none"}`.
{_images_used(metadata.data)}

{images}

## How it was trained

{arguments}

Made with {versions}.

## Limits

The scores hold for images like the validation images. {words.limits}
The backbone's weights keep the licence of their source.
"""


def _images_used(data):
    """How many images of each split were used, and why others were not, in words."""
    lines = []
    for split, used in data.get("used", {}).items():
        left_out = data["left_out"][split].items()
        reasons = ", ".join(f"{count} {reason}" for reason, count in left_out)
        lines.append(f"{used} images of `{split}` were used; left out: {reasons or 'none'}.")
    if data.get("splits"):
        lines.append(f"The folder has no splits: `{data['splits']}` says which image is in which.")
    return "\n".join(lines)
