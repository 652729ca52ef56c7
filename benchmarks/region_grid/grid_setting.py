"""One setting of the region grid, measured: time, memory, agreement with crops, accuracy."""

import time

import keras
import numpy as np

from benchmarks.machine import memory_bytes
from keras_crosspool.backbones import create_backbone
from keras_crosspool.closed_form.fit import compute_descriptors, solve_models
from keras_crosspool.closed_form.region_branch import compute_grid_descriptors, fit_regions
from keras_crosspool.closed_form.region_grids import load_region_grids
from keras_crosspool.config.guidance_config import GuidanceConfig
from keras_crosspool.data import load_images, open_split
from keras_crosspool.models.zoo import build_model

_BATCH = 8
_CUT_STRIDE = 8  # where `partial` cuts by default: the last of the thinnest maps of this stride


def run_grid(common, backbone, grid, setting, path):
    """Times the region grids of the images that are scored on, and keeps them.

    Args:
        common: dict, flags of `benchmarks.region_grid` that hold for all settings.
        backbone: str, its name.
        grid: int, regions in a row.
        setting: str, as `benchmarks.region_grid` takes it.
        path: path of the file to write the grids to.

    Returns:
        dict: the setting, its cut, and what computing the grids took.
    """
    network, model = _build(common, backbone, grid, setting)
    images, _ = load_images(_open(common)[1], common["image_size"])
    grid_of = keras.Model(model.input, model.branches[0].maps)
    before, grids, seconds = memory_bytes("VmRSS"), [], []
    grid_of.predict_on_batch(images[:_BATCH].astype("float32"))  # traces
    for start in range(0, len(images), _BATCH):
        batch = images[start : start + _BATCH].astype("float32")
        begin = time.perf_counter()
        grids.append(grid_of.predict_on_batch(batch))
        seconds.append((time.perf_counter() - begin) / len(batch))
    np.save(path, np.concatenate(grids))
    return {
        "backbone": backbone,
        "grid": f"{grid} x {grid}",
        "setting": setting,
        "cut": parse(setting, network).get("region_cut", ""),
        "ms_an_image": round(1e3 * float(np.median(seconds)), 2),
        "peak_mb": round((memory_bytes("VmHWM") - before) / 1e6),
    }


def score_grid(common, backbone, grid, setting, path):
    """Fits scheme 2 and the regions' average on the training split and scores both.

    Args:
        common: as for `run_grid`.
        backbone: as for `run_grid`.
        grid: as for `run_grid`.
        setting: as for `run_grid`.
        path: path of the file that `run_grid` wrote.

    Returns:
        dict: the accuracy of the regions' average and of scheme 2.
    """
    _, model = _build(common, backbone, grid, setting)
    train, val = _open(common)
    side, labels = common["image_size"], val.labels
    average = model.baseline()
    together = model.on_branches([*average.branches, *model.branches], "together")
    grids = load_region_grids(model, train, side, _BATCH, common["cache_dir"])
    guidance = GuidanceConfig(guidance_epochs=common["guidance_epochs"])
    regions = fit_regions(together, grids, train, guidance)
    solve_models([average, model], compute_descriptors([together], train, side, regions=regions))
    branches = compute_grid_descriptors(together, np.load(path))
    return {
        "average_accuracy": _accuracy(average, branches["region_average_norm"], labels),
        "accuracy": _accuracy(model, branches["grid_pooling"], labels),
        "images": len(labels),
    }


def agreement(path, crops_path):
    """The mean cosine of region activations to those of crops at the same positions.

    Args:
        path: path of a file that `run_grid` wrote.
        crops_path: path of the file of the crops.
    """
    grids, crops = np.load(path), np.load(crops_path)
    norms = np.linalg.norm(grids, axis=-1) * np.linalg.norm(crops, axis=-1)
    return round(float(np.mean(np.sum(grids * crops, axis=-1) / norms)), 4)


def parse(setting, backbone):
    """The `SchemeConfig` of a setting, `MODE[:LAYER][@INPUT_SIZE]`.

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


def _build(common, backbone, grid, setting):
    keras.utils.set_random_seed(0)
    network = create_backbone(backbone, common["image_size"], common["weights"])
    size = common["region_size"]
    options = {
        "region_size": size,
        "region_stride": (common["image_size"] - size) // (grid - 1),
        **parse(setting, network),
    }
    train, _ = _open(common)
    return network, build_model(network, len(train.class_names), "scheme2", **options)


def _open(common):
    train = open_split(common["data"], common["train_split"])
    return train, open_split(common["data"], common["val_split"], train.class_names)


def _accuracy(model, branch, labels):
    logits = keras.ops.convert_to_numpy(model.classifier(branch.descriptors))
    return float((logits.argmax(axis=1) == labels).mean())
