"""One setting of the region grid, measured: time, memory, agreement with crops, accuracy."""

import pathlib
import time

import keras
import numpy as np

from benchmarks.machine import memory_bytes
from keras_crosspool.backbones import create_backbone
from keras_crosspool.data import load_pictures, open_split
from keras_crosspool.graphs import graph_outputs
from keras_crosspool.models.branches import GRID_LAYER
from keras_crosspool.models.zoo import assemble, baseline_of, build_model, descriptor_of
from keras_crosspool.training.closed_form import describe, solve_models
from keras_crosspool.training.guidance import GuidanceTraining
from keras_crosspool.training.region_branch import describe_regions, fit_regions
from keras_crosspool.training.region_grids import load_region_grids

_BATCH = 8
_CUT_STRIDE = 8  # where `partial` cuts by default: the last of the thinnest maps of this stride


def measure(common, backbone, grid, setting, folder):
    """Measures one setting.

    Args:
        common: dict, flags of `benchmarks.region_grid` that hold for all settings.
        backbone: str, its name.
        grid: int, regions in a row.
        setting: str, as `benchmarks.region_grid` takes it.
        folder: path, where settings leave what later ones are compared with.

    Returns:
        dict, a row of the table.
    """
    keras.utils.set_random_seed(0)
    network = create_backbone(backbone, common["image_size"], common["weights"])
    options = parse(setting, network)
    side, size = common["image_size"], common["region_size"]
    stride = (side - size) // (grid - 1)
    train = open_split(common["data"], common["train_split"])
    val = open_split(common["data"], common["val_split"], train.class_names)
    classes = len(train.class_names)
    model = build_model(
        network, classes, "scheme2", region_size=size, region_stride=stride, **options
    )
    pictures, labels = load_pictures(val, side)
    val_grids, timed = _timed_grids(model, pictures)
    grids = load_region_grids(model, train, side, _BATCH, common["cache_dir"])
    guidance = GuidanceTraining(common["guidance_epochs"])
    average = baseline_of(model, network)
    together = assemble(
        model.input, [descriptor_of(average), descriptor_of(model)], classes, "together"
    )
    regions = fit_regions(together, grids, train, guidance)
    solve_models([average, model], describe([together], train, side, regions=regions))
    described = describe_regions(together, val_grids)
    scores = {
        name: _accuracy(solved, described[branch].descriptors, labels)
        for name, solved, branch in (
            ("average_accuracy", average, "region_average_norm"),
            ("accuracy", model, "grid_pooling"),
        )
    }
    return {
        "backbone": backbone,
        "grid": f"{grid} x {grid}",
        "setting": setting,
        "cut": options.get("region_cut", ""),
        **timed,
        "cosine_to_crops": _agreement(val_grids, pathlib.Path(folder), backbone, grid, setting),
        **scores,
    }


def parse(setting, backbone):
    """The `SchemeOptions` of a setting, `MODE[:LAYER][@INPUT_SIZE]`.

    Example:

    >>> backbone = keras_crosspool.backbones.create_backbone("EfficientNetLite0")
    >>> parse("partial@96", backbone)
    {'region_mode': 'partial', 'region_cut': 'block3b_add', 'region_input_size': 96}
    """
    mode, _, input_size = setting.partition("@")
    mode, _, cut = mode.partition(":")
    options = {"region_mode": mode}
    if mode == "partial":
        maps = [info for info in backbone.feature_info if info.stride == _CUT_STRIDE]
        options["region_cut"] = cut or min(reversed(maps), key=lambda x: x.channels).layer
    if input_size:
        options["region_input_size"] = int(input_size)
    return options


def _timed_grids(model, pictures):
    """The grids of pictures, the median time of one, and the memory that computing them added."""
    grid_of = keras.Model(model.input, graph_outputs(model)[GRID_LAYER])
    before, grids, seconds = memory_bytes("VmRSS"), [], []
    grid_of.predict_on_batch(pictures[:_BATCH].astype("float32"))  # traces
    for start in range(0, len(pictures), _BATCH):
        batch = pictures[start : start + _BATCH].astype("float32")
        begin = time.perf_counter()
        grids.append(grid_of.predict_on_batch(batch))
        seconds.append((time.perf_counter() - begin) / len(batch))
    return np.concatenate(grids), {
        "ms_a_picture": round(1e3 * float(np.median(seconds)), 2),
        "pictures": len(pictures),
        "peak_mb": round((memory_bytes("VmHWM") - before) / 1e6),
    }


def _accuracy(model, descriptors, labels):
    kernel, bias = model.get_layer("logits").get_weights()
    return float(((descriptors @ kernel + bias).argmax(axis=1) == labels).mean())


def _agreement(grids, folder, backbone, grid, setting):
    """Mean cosine of region activations to those of crops, which this run measured first."""
    path = folder / f"{backbone}_{grid}.npy"
    if setting == "crops":
        np.save(path, grids)
    if not path.exists():
        return None
    crops = np.load(path)
    norms = np.linalg.norm(grids, axis=-1) * np.linalg.norm(crops, axis=-1)
    return round(float(np.mean(np.sum(grids * crops, axis=-1) / norms)), 4)
