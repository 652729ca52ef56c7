"""Accuracy of cross-layer pooling, its variants and its baseline, on one labelled data set.

Every row is a whole training run with the flags named in it, on the same images and scored on
the same split. All training flags are taken and hold for every row. With --photographs the
learning curve follows: accuracy from a few photographs of every class, over several draws.

    python -m benchmarks.accuracy --data=data/grocery_mini --val_split=test
"""

import pathlib
import tempfile

from absl import flags

from keras_crosspool.mains import run
from keras_crosspool.training import flags as training_flags

FLAGS = flags.FLAGS
flags.adopt_module_key_flags(training_flags)

_ONE_VIEW = {"crop_scales": (1.0,), "mirror": False}
_SHARED = {"region_mode": "shared"}
VARIANTS = {
    "global average": {"scheme": "global_average"},
    "global average (whole images)": {"scheme": "global_average", **_ONE_VIEW},
    "scheme 1": {"scheme": "scheme1"},
    "scheme 1 (whole images)": {"scheme": "scheme1", **_ONE_VIEW},
    "scheme 1 (no windows)": {"scheme": "scheme1", "window_size": 1, **_ONE_VIEW},
    "scheme 1 (128 components)": {"scheme": "scheme1", "feature_channels": 128, **_ONE_VIEW},
    "scheme 1 (64 guidance channels)": {"scheme": "scheme1", "guidance_channels": 64, **_ONE_VIEW},
    "scheme 1 (SVM)": {"scheme": "scheme1", "solver": "svm", **_ONE_VIEW},
    "scheme 1 (2x, whole images)": {"scheme": "scheme1_2x", **_ONE_VIEW},
    "scheme 1 (1x and 2x, whole images)": {"scheme": "scheme1+scheme1_2x", **_ONE_VIEW},
    "region average": {"scheme": "region_average"},
    "scheme 2 (untrained guidance)": {"scheme": "scheme2", "grid_guidance": "selected"},
    "scheme 2": {"scheme": "scheme2"},
    "both (whole images)": {"scheme": "both", **_ONE_VIEW},
    "both": {"scheme": "both"},
    "region average (shared)": {"scheme": "region_average", **_SHARED},
    "scheme 2 (shared)": {"scheme": "scheme2", **_SHARED},
    "both (shared whole images)": {"scheme": "both", **_SHARED, **_ONE_VIEW},
}
_AUTO = "auto"
flags.DEFINE_list(
    "variants",
    list(VARIANTS),
    "Rows to measure, by name; or auto, for the schemes that --scheme=auto compares, in one run.",
)
flags.DEFINE_list("photographs", [], "Photographs a class of the learning curve, as 1,5,10,20.")
flags.DEFINE_integer("draws", 5, "Random draws of each number of photographs.", 1)
flags.DEFINE_string(
    "output", "benchmarks/results/accuracy.json", "JSON to write; with a curve a .png beside it."
)

_WORDS = {
    "baseline": "global average",
    "scheme1": "scheme 1",
    "scheme2": "scheme 2",
    "both": "both",
}
_FIGURES = (
    "accuracy",
    "top5_accuracy",
    "coarse_accuracy",
    "mean_average_precision",  # in place of all these where images have several labels
    "mean_f1",
)
_COMPARED = ("accuracy", "mean_average_precision")
_CROSS_VALIDATED = ("accuracy", "mean_average_precision")


def main(_):
    from benchmarks.record import write_record
    from keras_crosspool.progress import track

    if not FLAGS.val_split:
        raise ValueError("The split to score on is needed: --val_split=test. Received: none")
    unknown = sorted(set(FLAGS.variants) - {*VARIANTS, _AUTO})
    if unknown:
        raise ValueError(
            f"Variants are {', '.join([*VARIANTS, _AUTO])}. Received: {', '.join(unknown)}"
        )
    config = training_flags.training_config().replace(baseline=False)
    rows = []
    for name in track(FLAGS.variants, "variants"):
        measure = _compared if name == _AUTO else _row
        rows += measure(name, config)
    record = {
        "data": pathlib.Path(FLAGS.data).name,
        "arguments": {
            **config.to_dict(),
            "data": pathlib.Path(FLAGS.data).name,
            "cache_dir": None,
        },
        "rows": rows,
    }
    if FLAGS.photographs:
        record["learning_curve"] = _learning_curve(config)
    write_record(FLAGS.output, record)
    print(f"written: {FLAGS.output}")


def _learning_curve(config):
    from benchmarks.accuracy.learning_curve import learning_curve
    from benchmarks.plots.learning_curve import plot_learning_curve

    curve = learning_curve(config, [int(n) for n in FLAGS.photographs], FLAGS.draws)
    plot_learning_curve(curve, pathlib.Path(FLAGS.output).with_suffix(".png"))
    return curve


def _row(name, config):
    scores = _scores(config.replace(**VARIANTS[name]))
    figures = {key: scores.validation[key] for key in _FIGURES if key in scores.validation}
    figures |= {
        f"cross_validated_{key}": scores.cross_validated[key]
        for key in _CROSS_VALIDATED
        if key in scores.cross_validated
    }
    print(f"{name}: {next(iter(figures.values())):.4f}", flush=True)
    return [{"model": name, **figures}]


def _compared(name, config):
    """A row for each scheme among which cross-validation chose, and for the baseline."""
    scores = _scores(config.replace(scheme=name, baseline=True))
    return [
        {"model": _WORDS[scheme]}
        | {key.replace("_", " "): value for key, value in _compared_figures(each)}
        | {"chosen": "yes" if scheme == scores.chosen_scheme else ""}
        for scheme, each in ({"baseline": scores.baseline} | scores.schemes).items()
    ]


def _compared_figures(scores):
    """The scores that count of one solved model, and those by which it is chosen."""
    for key in _COMPARED:
        if key in scores.validation:
            yield key, scores.validation[key]
    for key in (*_CROSS_VALIDATED, "log_loss"):
        if key in scores.cross_validated:
            yield f"cross_validated_{key}", scores.cross_validated[key]


def _scores(config):
    import keras

    from keras_crosspool.training.train import train

    keras.backend.clear_session()
    with tempfile.TemporaryDirectory() as folder:
        return train(pathlib.Path(folder) / "model", config).scores


if __name__ == "__main__":
    run(main)
