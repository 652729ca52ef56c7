"""What tuning gains: each data set solved, tuned through each head, and solved again.

Every run is one by the recipe `tuned`, with all of the tuned weights. A row is the score on other
photographs of a scheme solved on the network as it was, and on the one with a share of the tuned
weights, and of the global average beside both, which has the same images, views and solver. The
gain over it has its 95 % interval. A run that kept the network as it was has the row of all its
weights alone. With --sum_of_seeds the mean logits of all seeds have a row too. Models are kept, so
a study that was stopped goes on.

    python -m benchmarks.tuning --data=photos,others --image_sizes=288,256 --models=models
"""

import pathlib

from absl import flags

from keras_crosspool.config.fine_tuning_config import TUNING_HEADS
from keras_crosspool.mains import run

FLAGS = flags.FLAGS
flags.DEFINE_list("data", ["data/grocery_mini"], "Folders of images split/class/*.jpg.")
flags.DEFINE_list("image_sizes", ["288"], "Side of the images of each of them, in pixels.")
flags.DEFINE_integer("tuning_size", 224, "Side of the images that networks are tuned on.", 1)
flags.DEFINE_list("tuning_heads", list(TUNING_HEADS), "What networks are tuned through.")
flags.DEFINE_list("seeds", ["0"], "Seeds of tuning.")
flags.DEFINE_list("tuned_shares", ["0.5", "1"], "Shares of the tuned weights.")
flags.DEFINE_list("schemes", ["scheme1"], "Schemes to solve: scheme1, both.")
flags.DEFINE_bool("sum_of_seeds", False, "A row of the networks of all seeds together.")
flags.DEFINE_integer("epochs", 14, "Epochs of tuning.", 1)
flags.DEFINE_string("val_split", "test", "Split of other photographs.")
flags.DEFINE_string("backbone", "efficientnet_lite0", "Pretrained network.")
flags.DEFINE_string("weights", "imagenet", "Its weights.")
flags.DEFINE_string("models", None, "Folder of the models; those there are taken.", required=True)
flags.DEFINE_string(
    "output", "benchmarks/results/tuning.json", "JSON file of the scores; a plot stands beside it."
)

_DATA = "Cross-layer pooling and the global average on other photographs, before and after tuning"


def main(_):
    if set(FLAGS.schemes) - {"scheme1", "both"}:
        raise ValueError(f"--schemes takes scheme1 and both. Received: {','.join(FLAGS.schemes)}")
    from benchmarks.data_sets import data_sets
    from benchmarks.plot import plot_tuning
    from benchmarks.record import write_record
    from benchmarks.table import rows_table

    rows = [
        row
        for data, size in data_sets(FLAGS.data, FLAGS.image_sizes)
        for head in FLAGS.tuning_heads
        for scheme in FLAGS.schemes
        for row in _rows(data, size, head, scheme)
    ]
    names = ("data", "image_sizes", "tuning_size", "tuning_heads", "seeds", "tuned_shares")
    names += ("schemes", "sum_of_seeds", "epochs", "val_split", "backbone", "weights")
    arguments = {name: FLAGS[name].value for name in names}
    write_record(FLAGS.output, {"data": _DATA, "arguments": arguments, "rows": rows})
    plot_tuning(rows, pathlib.Path(FLAGS.output).with_suffix(".png"))
    print(f"{rows_table(rows)}\nwritten: {FLAGS.output}")


def _rows(data, size, head, scheme):
    """The scores of the runs of all seeds at each share of their tuned weights."""
    from benchmarks.tuning.mixed import compare

    for share in map(float, FLAGS.tuned_shares):
        runs = {seed: _mixed(data, size, head, int(seed), scheme, share) for seed in FLAGS.seeds}
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


def _mixed(data, size, head, seed, scheme, share):
    """A scheme on the network of one run; the run, and the network as it was, where they lack."""
    from benchmarks.tuning.mixed import Mixed

    models, name = pathlib.Path(FLAGS.models), pathlib.Path(data).name
    directory, config = models / f"{name}-{head}-{seed}", _config(data, size, head, seed)
    metadata = _trained(directory, config)
    solved, before = None, metadata.scores
    if scheme != "scheme1":
        solved = models / f"{name}-{scheme}"
        untuned = _config(data, size, TUNING_HEADS[0], 0).replace(scheme=scheme, epochs=0)
        before = _trained(solved, untuned).scores
    return Mixed(directory, metadata, config.replace(scheme=scheme), solved, before, share)


def _config(data, size, head, seed):
    """The `TrainingConfig` of a run."""
    from keras_crosspool.config.training_config import TrainingConfig

    return TrainingConfig.of(
        data=data,
        val_split=FLAGS.val_split,
        backbone=FLAGS.backbone,
        weights=FLAGS.weights,
        image_size=size,
        tuning_size=FLAGS.tuning_size,
        tuning_head=head,
        tuned_share=1.0,
        epochs=FLAGS.epochs,
        seed=seed,
    )


def _trained(directory, config):
    """The `ModelMetadata` of a run, trained now where it is not there."""
    from keras_crosspool.models.directory import load_model
    from keras_crosspool.training.train import train

    if not (directory / "model.json").is_file():
        return train(directory, config)
    metadata = load_model(directory)[1]
    # An option that the run did not know is one that came later.
    wanted, given = config.of_the_run(), metadata.arguments
    others = [name for name, value in wanted.items() if given.get(name, value) != value]
    if others:
        raise ValueError(
            "A model of other options lies there: remove it, or name other --models. "
            f"Received: {directory} with other {', '.join(others)}"
        )
    return metadata


if __name__ == "__main__":
    run(main, needs="tensorflow")
