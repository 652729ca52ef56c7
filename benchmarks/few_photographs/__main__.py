"""A few photographs of every class: each way to a classifier, over several draws of them.

Each draw is solved on the network as it is; then the network is tuned through each head. The head
is scored itself, as one fine-tunes a network, and the classifier is solved on the tuned network, as
the recipe `tuned` does. All ways have the same photographs, views, sizes, epochs and optimiser; the
last layer on the global average has ten times the rate, without which it learns next to nothing
from so few steps. A table gives the mean over the draws, the deviation, and how much better a way
is than the fine-tuned global average on the same draw. Draws are kept, so a study that was stopped
goes on.

    python -m benchmarks.few_photographs --data=photos --image_sizes=288 --val_split=val --runs=runs

Of several numbers of photographs the plot shows curves, here of what is solved alone:

    python -m benchmarks.few_photographs --data=photos --image_sizes=288 --val_split=val \\
        --runs=solved --tuning= --photographs=1,5,10,20 --output=curves.json
"""

import pathlib

from absl import flags

from benchmarks import tuning_flags
from keras_crosspool.mains import run

FLAGS = flags.FLAGS
flags.adopt_module_key_flags(tuning_flags)
flags.DEFINE_list("photographs", ["5"], "Photographs of a class; a class with fewer gives all.")
flags.DEFINE_integer("draws", 5, "Random draws of each number.", 1)
flags.DEFINE_string("runs", None, "Folder of the draws' scores; those there are taken.",
                    required=True)  # fmt: skip
flags.DEFINE_string(
    "output", "benchmarks/results/few_photographs.json", "JSON file; a plot stands beside it."
)

_PEER = "global average, fine-tuned"


def main(_):
    from benchmarks.plots.few_photographs import plot_few_photographs
    from benchmarks.plots.learning_curve import plot_learning_curves
    from benchmarks.record import write_record
    from benchmarks.table import rows_table

    heads = tuning_flags.heads_and_rates()
    rows = [
        row
        for data_set in tuning_flags.data_sets()
        for count in map(int, FLAGS.photographs)
        for row in _rows(data_set, count, heads)
    ]
    arguments = tuning_flags.arguments("photographs", "draws")
    data = "Classifiers from a few photographs of every class, on other photographs"
    write_record(FLAGS.output, {"data": data, "arguments": arguments, "rows": rows})
    plot = plot_learning_curves if len(FLAGS.photographs) > 1 else plot_few_photographs
    plot(rows, pathlib.Path(FLAGS.output).with_suffix(".png"))
    print(f"{rows_table(rows)}\nwritten: {FLAGS.output}")


def _rows(data_set, count, heads):
    """A row for each way, over all draws of one number of photographs."""
    import numpy as np

    draws = [_scores(data_set, count, seed, heads) for seed in range(FLAGS.draws)]
    for way in draws[0]:
        scores = np.array([draw[way] for draw in draws])
        row = {
            "data": data_set.name,
            "photographs": count,
            "way": way,
            "score": float(scores.mean()),
            "deviation": float(scores.std()),
        }
        if _PEER in draws[0]:
            more = scores - np.array([draw[_PEER] for draw in draws])
            row["more than fine-tuned"] = float(more.mean())
            row["deviation of that"] = float(more.std())
        yield row


def _scores(data_set, count, seed, heads):
    """Way to its score on one draw, measured now where it was not."""
    from benchmarks.few_photographs.ways import Draw, scores_of_ways
    from keras_crosspool.records import read_record, write_json

    config = data_set.config(seed=seed)
    path = pathlib.Path(FLAGS.runs) / f"{data_set.name}-{count}-{seed}.json"
    arguments = {**config.of_the_run(), "tuning": FLAGS.tuning}
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        scores = scores_of_ways(config, heads, count)
        write_json(path, {"arguments": arguments, "scores": scores})
    draw = read_record(Draw, path, "remove it")
    if draw.arguments != arguments:
        raise ValueError(
            f"A draw of other options lies there: remove it, or name other --runs. Received: {path}"
        )
    return draw.scores


if __name__ == "__main__":
    run(main, needs="tensorflow")
