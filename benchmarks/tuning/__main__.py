"""What tuning gains: each data set solved, tuned through each head, and solved again.

Every run is one by the recipe `tuned`, with all of the tuned weights. A row is the score on other
photographs of a scheme solved on the network as it was, and on the one with a share of the tuned
weights, and of the global average beside both, which has the same images, views and solver. The
gain over it has its 95 % interval. A run that kept the network as it was has the row of all its
weights alone. With --sum_of_seeds the mean logits of all seeds have a row too. Models are kept, so
a study that was stopped goes on.

    python -m benchmarks.tuning --data=photos,others --image_sizes=288,256 --models=models
"""

import dataclasses
import pathlib

from absl import flags

from benchmarks import tuning_flags
from keras_crosspool.mains import run

FLAGS = flags.FLAGS
flags.adopt_module_key_flags(tuning_flags)
flags.DEFINE_list("seeds", ["0"], "Seeds of tuning.")
flags.DEFINE_list("tuned_shares", ["0.5", "1"], "Shares of the tuned weights.")
flags.DEFINE_list("schemes", ["scheme1"], "Schemes to solve: scheme1, both.")
flags.DEFINE_bool("sum_of_seeds", False, "A row of the networks of all seeds together.")
flags.DEFINE_string("models", None, "Folder of the models; those there are taken.", required=True)
flags.DEFINE_string(
    "output", "benchmarks/results/tuning.json", "JSON file of the scores; a plot stands beside it."
)

_DATA = "Cross-layer pooling and the global average on other photographs, before and after tuning"


def main(_):
    if set(FLAGS.schemes) - {"scheme1", "both"}:
        raise ValueError(f"--schemes takes scheme1 and both. Received: {','.join(FLAGS.schemes)}")
    from benchmarks.plots.tuning import plot_tuning
    from benchmarks.record import write_record
    from benchmarks.table import rows_table

    rows = [
        row
        for data_set in tuning_flags.data_sets()
        for head, rate in tuning_flags.heads_and_rates().items()
        for scheme in FLAGS.schemes
        for row in _rows(_Study(data_set, head, rate, scheme))
    ]
    arguments = tuning_flags.arguments("seeds", "tuned_shares", "schemes", "sum_of_seeds")
    write_record(FLAGS.output, {"data": _DATA, "arguments": arguments, "rows": rows})
    plot_tuning(rows, pathlib.Path(FLAGS.output).with_suffix(".png"))
    print(f"{rows_table(rows)}\nwritten: {FLAGS.output}")


def _rows(study):
    """The scores of the runs of all seeds at each share of their tuned weights."""
    from benchmarks.tuning.mixed import compare

    for share in map(float, FLAGS.tuned_shares):
        runs = {seed: study.mixed(int(seed), share) for seed in FLAGS.seeds}
        found = {seed: run.scores() for seed, run in runs.items()}
        run = runs[FLAGS.seeds[0]]
        if FLAGS.sum_of_seeds and None not in found.values():
            found["sum"] = compare(run.config, [each.logits() for each in runs.values()])
        for seed, scores in found.items():
            if scores is not None:
                yield _row(run, seed, scores)


def _row(run, seed, scores):
    from keras_crosspool.targets import TARGETS

    config, before, metric = run.config, run.before, TARGETS[run.metadata.task].metric
    return {
        "data": pathlib.Path(config.data.data).name,
        "tuned through": config.fine_tuning.tuning_head.replace("_", " "),
        "scheme": config.network.scheme,
        "seed": seed if seed == "sum" else int(seed),
        "share": run.share,
        "global average": before.baseline.validation[metric],
        "solved": before.solved.validation[metric],
        "global average, tuned": scores.average,
        "tuned": scores.pooling,
        "gain, tuned, at least": scores.at_least,
        "gain, tuned, at most": scores.at_most,
    }


@dataclasses.dataclass(frozen=True)
class _Study:
    """A scheme on the networks of one data set that were tuned through one head."""

    data_set: tuning_flags.DataSet
    head: str
    rate: float
    scheme: str

    def mixed(self, seed, share):
        """The scheme on the network of one run; that, and the network as it was, where absent."""
        from benchmarks.trained import trained
        from benchmarks.tuning.mixed import Mixed

        models, name = pathlib.Path(FLAGS.models), self.data_set.name
        directory, config = models / f"{name}-{self.head}-{seed}", self._config(seed)
        metadata = trained(directory, config)
        solved, before = None, metadata.scores
        if self.scheme != "scheme1":
            solved = models / f"{name}-{self.scheme}"
            before = trained(solved, self._untuned).scores
        return Mixed(directory, metadata, config.replace(scheme=self.scheme), solved, before, share)

    def _config(self, seed):
        return self.data_set.config(
            tuning_head=self.head, classifier_rate=self.rate, tuned_share=1.0, seed=seed
        )

    @property
    def _untuned(self):
        """The run on the network as it was: one for all heads and seeds."""
        return self.data_set.config(tuned_share=1.0, epochs=0, scheme=self.scheme)


if __name__ == "__main__":
    run(main, needs="tensorflow")
