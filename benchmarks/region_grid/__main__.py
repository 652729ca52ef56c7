"""Accuracy against time of the region grid: modes, cuts, grids and input sizes, in one run.

Each setting reads the same images in a process of its own: the median time an image
takes (decoding excluded, batches of eight), the memory it adds, how its region activations agree
with those of crops, and the accuracy of the regions' plain average and of scheme 2 with its
guidance trained, both solved on the training split and scored on the other. All are timed before
any is scored.

A setting is MODE, MODE@INPUT_SIZE, or partial:LAYER for a cut other than the
last of the thinnest maps of stride 8.

    python -m benchmarks.region_grid --data=data/grocery_mini --val_split=test
"""

import json
import multiprocessing
import pathlib
import tempfile

from absl import flags

from keras_crosspool.mains import run
from keras_crosspool.quiet import silence_tensorflow

FLAGS = flags.FLAGS
flags.DEFINE_string("data", "data/grocery_mini", "Folder of images, or tfds:NAME.")
flags.DEFINE_string("train_split", "train", "Split to fit on.")
flags.DEFINE_string("val_split", "test", "Split to time and to score on.")
flags.DEFINE_list("backbones", ["EfficientNetLite0"], "Backbones.")
flags.DEFINE_string("weights", "imagenet", "Their weights: imagenet, or none for random ones.")
flags.DEFINE_integer("image_size", 320, "Side of the images in pixels.", 1)
flags.DEFINE_integer("region_size", 128, "Side of the regions in pixels.", 1)
flags.DEFINE_list("grids", ["3", "5", "7"], "Regions in a row.")
flags.DEFINE_list("settings", ["crops", "partial", "shared"], "What to measure of each grid.")
flags.DEFINE_integer("guidance_epochs", 15, "Epochs that train the guidance layer.", 0)
flags.DEFINE_string("cache_dir", None, "Folder that keeps region grids; a temporary one if unset.")
flags.DEFINE_string("output", "benchmarks/results/region_grid.json", "JSON; a .png beside it.")


def main(_):
    from benchmarks.plots.region_grid import plot_grid_curve
    from benchmarks.record import write_record
    from benchmarks.region_grid import grid_setting
    from keras_crosspool.progress import track

    settings = [
        (b, int(n), s) for b in FLAGS.backbones for n in FLAGS.grids for s in FLAGS.settings
    ]
    common = {name: FLAGS[name].value for name in _COMMON}
    with tempfile.TemporaryDirectory() as folder:
        common["cache_dir"] = FLAGS.cache_dir or folder
        paths = [pathlib.Path(folder) / f"{index}.npy" for index in range(len(settings))]
        # All are timed first, one right after the other.
        rows = [
            _in_a_process(grid_setting.run_grid, common, *setting, path)
            for setting, path in track([*zip(settings, paths, strict=True)], "timing")
        ]
        for row, setting, path in track([*zip(rows, settings, paths, strict=True)], "scoring"):
            crops = (*setting[:2], "crops")
            if crops in settings:
                crops_path = paths[settings.index(crops)]
                row["cosine_to_crops"] = grid_setting.agreement(path, crops_path)
            row |= _in_a_process(grid_setting.score_grid, common, *setting, path)
            print(json.dumps(row), flush=True)
    record = {
        "data": pathlib.Path(FLAGS.data).name,
        "arguments": {**common, "data": pathlib.Path(FLAGS.data).name, "cache_dir": None},
        "rows": rows,
    }
    write_record(FLAGS.output, record)
    plot_grid_curve(record, pathlib.Path(FLAGS.output).with_suffix(".png"))
    print(f"written: {FLAGS.output}")


_COMMON = (
    "data",
    "train_split",
    "val_split",
    "weights",
    "image_size",
    "region_size",
    "guidance_epochs",
)


def _in_a_process(function, *arguments):
    """Calls a function in a fresh process, so that its memory is its own."""
    with multiprocessing.get_context("spawn").Pool(1, silence_tensorflow) as pool:
        return pool.apply(function, arguments)


if __name__ == "__main__":
    run(main)
