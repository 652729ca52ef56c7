"""What a shorter descriptor costs: models of scheme 1, compressed to several sizes.

Each model is a directory that `train` wrote, which names its data. It is scored on its validation
split as it is, then at each size, with the number of values and of the classifier's weights. The
gain over the whole descriptor, mostly a loss, has its 95 % interval, paired, by sessions.

    python -m benchmarks.compression --models=solved,tuned --sizes=16x64,32x128,64x64
"""

import pathlib

from absl import flags

from keras_crosspool.mains import run

FLAGS = flags.FLAGS
flags.DEFINE_list("models", None, "Model directories of scheme 1.", required=True)
flags.DEFINE_list(
    "sizes", ["16x64", "32x128", "64x128", "128x128"], "Feature by guidance channels to keep."
)
flags.DEFINE_string(
    "output", "benchmarks/results/compression.json", "JSON file; a plot stands beside it."
)


def main(_):
    from benchmarks.compression.sizes import score_sizes
    from benchmarks.plots.compression import plot_compression
    from benchmarks.record import write_record
    from benchmarks.table import rows_table

    sizes = [tuple(map(int, size.split("x"))) for size in FLAGS.sizes]
    rows = [row for model in FLAGS.models for row in score_sizes(pathlib.Path(model), sizes)]
    data = "Scheme 1 with shorter descriptors, on other photographs"
    arguments = {"models": FLAGS.models, "sizes": FLAGS.sizes}
    write_record(FLAGS.output, {"data": data, "arguments": arguments, "rows": rows})
    plot_compression(rows, pathlib.Path(FLAGS.output).with_suffix(".png"))
    print(f"{rows_table(rows)}\nwritten: {FLAGS.output}")


if __name__ == "__main__":
    run(main, needs="tensorflow")
