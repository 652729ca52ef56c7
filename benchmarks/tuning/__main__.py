"""What tuning gains: each data set solved, tuned through each head, and solved again.

Every row is one training run by the recipe `tuned`: the score on other photographs of the
classifier solved on the network as it was and as it was tuned, and of the global average beside
both, which has the same images, views and solver. The gain over it has its 95 % interval. Models
are kept, so a study that was stopped goes on.

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
flags.DEFINE_integer("epochs", 14, "Epochs of tuning.", 1)
flags.DEFINE_string("val_split", "test", "Split of other photographs.")
flags.DEFINE_string("backbone", "efficientnet_lite0", "Pretrained network.")
flags.DEFINE_string("weights", "imagenet", "Its weights.")
flags.DEFINE_string("models", None, "Folder of the models; those there are taken.", required=True)
flags.DEFINE_string("output", "benchmarks/results/tuning.json", "JSON file of the scores.")

_DATA = "Scheme 1 and the global average on other photographs, before and after tuning"


def main(_):
    from benchmarks.data_sets import data_sets
    from benchmarks.record import write_record
    from benchmarks.table import rows_table

    rows = [
        _row(data, size, head, int(seed))
        for data, size in data_sets(FLAGS.data, FLAGS.image_sizes)
        for head in FLAGS.tuning_heads
        for seed in FLAGS.seeds
    ]
    names = ("data", "image_sizes", "tuning_size", "tuning_heads", "seeds", "epochs", "val_split")
    arguments = {name: FLAGS[name].value for name in (*names, "backbone", "weights")}
    write_record(FLAGS.output, {"data": _DATA, "arguments": arguments, "rows": rows})
    print(f"{rows_table(rows)}\nwritten: {FLAGS.output}")


def _row(data, size, head, seed):
    """The scores of one run."""
    from keras_crosspool.targets import TARGETS

    metadata = _trained(data, size, head, seed)
    metric, scores = TARGETS[metadata.task].metric, metadata.scores
    low, high = scores.tuning.advantage or (None, None)  # of an older run, or one session
    return {
        "data": pathlib.Path(data).name,
        "tuned through": head.replace("_", " "),
        "seed": seed,
        "global average": scores.baseline.validation[metric],
        "scheme 1": scores.solved.validation[metric],
        "global average, tuned": scores.tuning.baseline,
        "scheme 1, tuned": scores.tuning.stages["tuned"],
        "gain, tuned, at least": low,
        "gain, tuned, at most": high,
        "kept": scores.tuning.kept_stage,
    }


def _trained(data, size, head, seed):
    """The `ModelMetadata` of a run, trained now where it is not there."""
    from keras_crosspool.config.training_config import TrainingConfig
    from keras_crosspool.models.directory import load_model
    from keras_crosspool.training.train import train

    directory = pathlib.Path(FLAGS.models) / f"{pathlib.Path(data).name}-{head}-{seed}"
    config = TrainingConfig.of(
        data=data,
        val_split=FLAGS.val_split,
        backbone=FLAGS.backbone,
        weights=FLAGS.weights,
        image_size=size,
        tuning_size=FLAGS.tuning_size,
        tuning_head=head,
        epochs=FLAGS.epochs,
        seed=seed,
    )
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
