"""Presets solved on one data set, exported, and measured side by side."""

import dataclasses
import pathlib

from benchmarks.latency.candidates import artefact_candidates
from benchmarks.latency.measurement import measure, schedule
from benchmarks.latency.results import derive
from benchmarks.trained import trained
from keras_crosspool.config.training_config import TrainingConfig
from keras_crosspool.data import load_images, open_split
from keras_crosspool.exporting.api import export
from keras_crosspool.models.directory import load_model
from keras_crosspool.models.presets import PRESETS


@dataclasses.dataclass(frozen=True)
class PresetSettings:
    """What is measured.

    Attributes:
        names: list of str, the presets.
        data: str, folder of images split/class/*.jpg.
        val_split: str, the split of other photographs.
        weights: str, of the networks.
        models: `pathlib.Path` of the folder of the models and files.
        relative_to: str, the preset whose p90 the others are told as a multiple of.
        rounds: int, in which all files take their turn.
        per_round: int, images that a turn times.
        threads: int, of each file.
        seed: int.
    """

    names: list
    data: str
    val_split: str
    weights: str
    models: pathlib.Path
    relative_to: str
    rounds: int
    per_round: int
    threads: int
    seed: int


def preset_rows(settings):
    """Solves, exports and measures presets.

    Args:
        settings: `PresetSettings`.

    Returns:
        List of dict, a row a preset, the fastest first.
    """
    files = {name: _file(name, settings) for name in settings.names}
    split = open_split(settings.data, settings.val_split)
    images = {}  # side in pixels to the images
    for name in settings.names:
        size = PRESETS[name].image_size
        if size not in images:
            images[size], labels = load_images(split, size)
    candidates, preset_of = [], {}
    for name, path in files.items():
        (candidate,), _ = artefact_candidates(path, [settings.threads])
        candidates.append(candidate)
        preset_of[candidate.file] = name
    pixels = {c.name: images[PRESETS[preset_of[c.file]].image_size] for c in candidates}
    plan = schedule(list(pixels), len(labels), settings.rounds, settings.per_round, settings.seed)
    measured = derive(
        measure(candidates, pixels, plan), labels, relative_to=files[settings.relative_to].name
    )
    measured.sort(key=lambda row: row["summary"]["p90_ms"])
    return [_row(preset_of[row["file"]], row) for row in measured]


def _file(name, settings):
    """The path of a preset's TFLite file, written now where it is not there."""
    preset, directory = PRESETS[name], settings.models / name
    path = settings.models / f"{name}.tflite"
    config = TrainingConfig.of(
        data=settings.data,
        val_split=settings.val_split,
        weights=settings.weights,
        backbone=preset.backbone,
        image_size=preset.image_size,
        scheme=preset.scheme,
        feature_channels=preset.feature_channels,
        guidance_channels=preset.guidance_channels,
    )
    trained(directory, config)
    if not path.is_file():
        images = open_split(settings.data, settings.val_split)
        export(load_model(directory)[0], path, images=images)
    return path


def _row(name, measured):
    preset, relative = PRESETS[name], measured["relative"]
    return {
        "preset": name,
        "image size": preset.image_size,
        "values": preset.values,
        "parameters (M)": round(preset.parameters / 1e6, 2),
        "file (MB)": round(measured["bytes"] / 1e6, 1),
        "accuracy": measured["accuracy"],
        "p90, relative": relative["ratio"],
        "at least": relative["low"],
        "at most": relative["high"],
        "on the front": measured["pareto"],
        "verdict": measured["summary"]["verdict"],
    }
