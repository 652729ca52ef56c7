"""The presets on one data set: accuracy, latency and size of the file that a phone runs.

Each preset is solved as `train` does, and exported to TFLite in float32. Then all files take turns
on the images of the validation split, each at the image size of its preset, one at a time.
Latencies are told as a multiple of the p90 of one of them. Models are kept, so a study that was
stopped goes on. Two plots stand beside the table: accuracy against latency, and against the values
of the descriptor.

    python -m benchmarks.presets --data=photos --val_split=val --models=models
"""

import pathlib

from absl import flags

from keras_crosspool.mains import run

FLAGS = flags.FLAGS
flags.DEFINE_list("presets", ["*lite*"], "Names or patterns of presets whose weights are at hand.")
flags.DEFINE_string("data", "data/grocery_mini", "Folder of images split/class/*.jpg.")
flags.DEFINE_string("val_split", "test", "Split of other photographs.")
flags.DEFINE_string("weights", "imagenet", "Weights of the networks.")
flags.DEFINE_string(
    "relative_to",
    "global_average_efficientnet_lite0_224",
    "The preset whose p90 the others are told as a multiple of.",
)
flags.DEFINE_integer("rounds", 10, "Rounds in which all files take their turn.", 2)
flags.DEFINE_integer("per_round", 67, "Images, drawn anew each round, that a turn times.", 1)
flags.DEFINE_integer("threads", 1, "Threads of each file.", 1)
flags.DEFINE_integer("seed", 0, "Seed of the order of the files and of the images.")
flags.DEFINE_string("models", None, "Folder of the models; those there are taken.", required=True)
flags.DEFINE_string(
    "output", "benchmarks/results/preset_scores.json", "JSON file; two plots stand beside it."
)

_ARGUMENTS = ("presets", "data", "val_split", "weights", "relative_to", "rounds", "per_round")
_ARGUMENTS += ("threads", "seed")


def main(_):
    from benchmarks.plots.presets import plot_latencies, plot_values
    from benchmarks.presets.study import preset_rows
    from benchmarks.record import write_record
    from benchmarks.table import rows_table

    rows = preset_rows(_settings())
    print(rows_table(rows))  # before an unstable row is refused
    data = "Presets solved on photographs, and their TFLite files in float32"
    arguments = {name: FLAGS[name].value for name in _ARGUMENTS}
    write_record(FLAGS.output, {"data": data, "arguments": arguments, "rows": rows})
    output = pathlib.Path(FLAGS.output)
    plot_latencies(rows, output.with_name(f"{output.stem}_latency.png"))
    plot_values(rows, output.with_name(f"{output.stem}_values.png"))
    print(f"written: {output}")


def _settings():
    from benchmarks.patterns import matching
    from benchmarks.presets.study import PresetSettings
    from keras_crosspool import list_models

    names, unknown = matching(FLAGS.presets, list_models)
    if unknown or FLAGS.relative_to not in names:
        raise ValueError(
            "--presets takes names or patterns of `keras_crosspool.list_models()`, and "
            "--relative_to one of the presets that are measured. "
            f"Received: --presets={','.join(FLAGS.presets)} --relative_to={FLAGS.relative_to}"
        )
    return PresetSettings(
        names,
        FLAGS.data,
        FLAGS.val_split,
        FLAGS.weights,
        pathlib.Path(FLAGS.models),
        FLAGS.relative_to,
        FLAGS.rounds,
        FLAGS.per_round,
        FLAGS.threads,
        FLAGS.seed,
    )


if __name__ == "__main__":
    run(main, needs="tensorflow")
