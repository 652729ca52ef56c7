"""What a training run writes beside the model: card, plots and the record of the run."""

import dataclasses
import importlib.metadata
import json
from collections.abc import Callable

from keras_crosspool.data.pipeline import pictures_at
from keras_crosspool.evaluation import plots, score
from keras_crosspool.tasks import MULTI_LABEL, SINGLE_LABEL

_LIBRARIES = (
    "keras-crosspool",
    "keras",
    "tensorflow",
    "tensorflow-cpu",
    "numpy",
    "pillow",
    "scikit-learn",
)
_PAIR_SIDE = 160  # pixels of a picture on the page of confused pairs


def library_versions():
    """The installed libraries that a model depends on, with their versions."""
    installed = {d.name.replace("_", "-"): d.version for d in importlib.metadata.distributions()}
    return {name: installed[name] for name in _LIBRARIES if name in installed}


def write_report(directory, metadata, history, validation):
    """Writes the model card, the history and the plots into a model directory.

    Args:
        directory: `pathlib.Path` of the model directory.
        metadata: `ModelMetadata`.
        history: dict of the fine-tuning, empty without any.
        validation: `(split, logits, labels)` of the validation pictures, or `None`.
    """
    plots_directory = directory / "plots"
    plots_directory.mkdir()
    if history:
        (directory / "history.json").write_text(json.dumps(history, indent=2))
        plots.plot_training_curve(history, plots_directory / "training_curve.png")
    if validation:
        _WORDS[metadata.task].plot(plots_directory, metadata.class_names, *validation)
    card = _model_card(metadata, plots_directory)
    # A path may hold bytes that are not UTF-8.
    (directory / "README.md").write_text(card, encoding="utf-8", errors="backslashreplace")


def _plot_confusions(directory, class_names, split, logits, labels):
    plots.plot_confusion(logits, labels, class_names, directory / "confusion_matrix.png")
    pairs = plots.most_confused(logits, labels)
    if pairs:
        wanted = [index for *_, indices in pairs for index in indices]
        pictures = pictures_at(split, wanted, _PAIR_SIDE)
        path = directory / "confused_pairs.png"
        plots.plot_confused_pairs(pairs, pictures, labels, class_names, path)


def _plot_average_precisions(directory, class_names, split, logits, labels):
    scores = score(logits, labels, class_names)
    precisions = {name: row["average_precision"] for name, row in scores.classes.items()}
    path = directory / "average_precision.png"
    plots.plot_average_precisions(precisions, scores.mean_average_precision, path)


@dataclasses.dataclass(frozen=True)
class _Words:
    """What the report says and plots of one task."""

    does: str
    limits: str
    plot: Callable


_WORDS = {
    SINGLE_LABEL.name: _Words(
        "Tells {} classes apart in",
        "A picture of none of the classes still gets the class it resembles most.",
        _plot_confusions,
    ),
    MULTI_LABEL.name: _Words(
        "Finds {} labels, any number at once, in",
        "A label counts as found from its own probability on, in `thresholds` of model.json, "
        "chosen for the best F1 on the validation pictures, or by cross-validation without any. "
        "F1 scores on those same pictures flatter, the more the fewer pictures a label has; the "
        "mean average precision does not.",
        _plot_average_precisions,
    ),
}


def _model_card(metadata, plots_directory):
    metrics = "\n".join(f"| {name} | {_shown(value)} |" for name, value in metadata.metrics.items())
    arguments = "\n".join(f"- {name}: `{value}`" for name, value in metadata.arguments.items())
    versions = ", ".join(f"{name} {version}" for name, version in metadata.versions.items())
    pictures = "\n".join(
        f"![{path.stem}](plots/{path.name})" for path in sorted(plots_directory.glob("*.png"))
    )
    words = _WORDS[metadata.task]
    return f"""# {metadata.name}

{words.does.format(len(metadata.class_names))} pictures of {metadata.image_size} x \
{metadata.image_size} px. Expects {metadata.preprocessing}. Gives one logit a class, in the order \
of `class_names` in model.json.

```python
import keras_crosspool
model, metadata = keras_crosspool.load_model("DIRECTORY")
```

## Scores

| | |
|---|---|
{metrics}

Training pictures: split `{metadata.data["train_split"]}` of `{metadata.data["path"]}`, sha256
`{metadata.data["fingerprint"]}`. Validation split: `{metadata.data["val_split"] or "none"}`.
{_pictures_used(metadata.data)}

{pictures}

## How it was trained

{arguments}

Made with {versions}.

## Limits

The scores hold for pictures like the validation pictures. {words.limits}
The backbone's weights keep the licence of their source.
"""


def _pictures_used(data):
    """How many pictures of each split were used, and why others were not, in words."""
    lines = []
    for split, used in data.get("used", {}).items():
        left_out = data["left_out"][split].items()
        reasons = ", ".join(f"{count} {reason}" for reason, count in left_out)
        lines.append(f"{used} pictures of `{split}` were used; left out: {reasons or 'none'}.")
    return "\n".join(lines)


def _shown(value):
    return f"{value:.4f}" if isinstance(value, float) else value
