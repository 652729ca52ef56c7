"""What tuning gains: each data set solved, tuned through each head, and solved again.

Every run is one by the recipe `tuned`, with all of the tuned weights. A row is the score on other
photographs of the classifier solved on the network as it was, and on the one with a share of the
tuned weights, and of the global average beside both, which has the same images, views and solver.
The gain over it has its 95 % interval. A run that kept the network as it was has the row of all its
weights alone. Models are kept, so a study that was stopped goes on.

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
flags.DEFINE_integer("epochs", 14, "Epochs of tuning.", 1)
flags.DEFINE_string("val_split", "test", "Split of other photographs.")
flags.DEFINE_string("backbone", "efficientnet_lite0", "Pretrained network.")
flags.DEFINE_string("weights", "imagenet", "Its weights.")
flags.DEFINE_string("models", None, "Folder of the models; those there are taken.", required=True)
flags.DEFINE_string(
    "output", "benchmarks/results/tuning.json", "JSON file of the scores; a plot stands beside it."
)

_DATA = "Scheme 1 and the global average on other photographs, before and after tuning"


def main(_):
    from benchmarks.data_sets import data_sets
    from benchmarks.plot import plot_tuning
    from benchmarks.record import write_record
    from benchmarks.table import rows_table

    rows = [
        row
        for data, size in data_sets(FLAGS.data, FLAGS.image_sizes)
        for head in FLAGS.tuning_heads
        for seed in FLAGS.seeds
        for row in _rows(data, size, head, int(seed))
    ]
    names = ("data", "image_sizes", "tuning_size", "tuning_heads", "seeds", "tuned_shares")
    names += ("epochs", "val_split", "backbone", "weights")
    arguments = {name: FLAGS[name].value for name in names}
    write_record(FLAGS.output, {"data": _DATA, "arguments": arguments, "rows": rows})
    plot_tuning(rows, pathlib.Path(FLAGS.output).with_suffix(".png"))
    print(f"{rows_table(rows)}\nwritten: {FLAGS.output}")


def _rows(data, size, head, seed):
    """The scores of one run at each share of its tuned weights."""
    from benchmarks.tuning.mixed import scores_at
    from keras_crosspool.targets import TARGETS

    directory = pathlib.Path(FLAGS.models) / f"{pathlib.Path(data).name}-{head}-{seed}"
    config = _config(data, size, head, seed)
    metadata = _trained(directory, config)
    metric, scores = TARGETS[metadata.task].metric, metadata.scores
    for share in map(float, FLAGS.tuned_shares):
        found = scores_at(share, directory, metadata, config)
        if found is None:
            continue
        yield {
            "data": pathlib.Path(data).name,
            "tuned through": head.replace("_", " "),
            "seed": seed,
            "share": share,
            "global average": scores.baseline.validation[metric],
            "scheme 1": scores.solved.validation[metric],
            "global average, tuned": found.average,
            "scheme 1, tuned": found.pooling,
            "gain, tuned, at least": found.at_least,
            "gain, tuned, at most": found.at_most,
        }


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
    wanted = config.of_the_run()
    others = [name for name, value in wanted.items() if metadata.arguments.get(name) != value]
    if others:
        raise ValueError(
            "A model of other options lies there: remove it, or name other --models. "
            f"Received: {directory} with other {', '.join(others)}"
        )
    return metadata


if __name__ == "__main__":
    run(main, needs="tensorflow")
