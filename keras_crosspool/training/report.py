"""What a training run writes beside the model: page, card, plots and the record of the run."""

import functools
import pathlib

from absl import logging

from keras_crosspool.data.pipeline import decoded_images_at
from keras_crosspool.evaluation import plots, score
from keras_crosspool.models.directory import HISTORY_FILE, add_files
from keras_crosspool.records import write_json
from keras_crosspool.report.api import PAGE_FILE, write_page
from keras_crosspool.report.facts import images_used, limits, purpose
from keras_crosspool.report.measured import measure
from keras_crosspool.report.model_report import ModelReport
from keras_crosspool.targets import MULTI_LABEL, SINGLE_LABEL
from keras_crosspool.text import printable

_PAIR_SIDE = 160  # pixels of an image on the page of confused pairs


def write_report(directory, model, metadata, history, validation):
    """Writes the page, the model card, the history and the plots into a model directory.

    The model is there already and worth more than any of them: what cannot be written is left out
    with a warning.

    Args:
        directory: path of the model directory.
        model: `CrossPoolClassifier`.
        metadata: its `ModelMetadata`.
        history: dict of the fine-tuning, empty without any.
        validation: `Predictions` of the validation split, or `None`.
    """
    directory = pathlib.Path(directory)
    if history:
        _add(directory, HISTORY_FILE, lambda path: write_json(path, history))
        curve = functools.partial(plots.plot_training_curve, history)
        _add(directory, "plots/training_curve.png", curve)
    if validation:
        found = validation.split, validation.logits, validation.labels
        for name, draw in _PLOTS[metadata.task](metadata.class_names, *found):
            _add(directory, f"plots/{name}", draw)
        _add(directory, PAGE_FILE, lambda path: _write_page(path, model, metadata, history, *found))
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


def _write_page(path, model, metadata, history, *found):
    measured = measure(model, metadata, *found)
    write_page(path, ModelReport(metadata, measured, history))


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


_PLOTS = {SINGLE_LABEL.name: _confusion_plots, MULTI_LABEL.name: _average_precision_plots}


def _model_card(metadata, plots_directory):
    scores = "\n".join(f"| {name} | {value:.4g} |" for name, value in metadata.scores.rows())
    arguments = "\n".join(f"- {name}: `{value}`" for name, value in metadata.arguments.items())
    versions = ", ".join(f"{name} {version}" for name, version in metadata.versions.items())
    images = "\n".join(
        f"![{path.stem}](plots/{path.name})" for path in sorted(plots_directory.glob("*.png"))
    )
    used = "\n".join(images_used(metadata.data))
    return f"""# {metadata.name}

{purpose(metadata)}

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
{used}

{images}

## How it was trained

{arguments}

Made with {versions}.

## Limits

{limits(metadata)}
"""
