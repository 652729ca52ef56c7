"""Scores a trained model on a labelled split: top-1, top-5, per class and coarse classes.

A multi-label model is scored by the average precision of each label and by F1 at its thresholds.

python -m keras_crosspool.evaluate --model=model --data=data/grocery_mini --split=test
"""

from absl import flags

from keras_crosspool.image_flags import define_image_flags
from keras_crosspool.mains import run

_MOST_ROWS = 100  # classes in the table

FLAGS = flags.FLAGS
flags.DEFINE_string("model", None, "Model directory, as train writes it.", required=True)
flags.DEFINE_string(
    "data", None, "Folder of images split/class/*.jpg, or tfds:NAME; the training data if unset."
)
flags.DEFINE_string("data_dir", None, "Folder of TFDS data sets; TFDS_DATA_DIR if unset.")
flags.DEFINE_string("split", "test", "Split to score on.")
flags.DEFINE_integer("batch_size", 32, "Images in a batch.", 1)
define_image_flags(__name__)
flags.DEFINE_string("json", None, "File for all scores, per class too.")


def main(_):
    from keras_crosspool.data import open_split
    from keras_crosspool.evaluation import predict_logits, score
    from keras_crosspool.models.directory import load_model
    from keras_crosspool.records import write_json

    model, metadata = load_model(FLAGS.model)
    data = FLAGS.data or metadata.data["path"]
    split = open_split(
        data,
        FLAGS.split,
        metadata.class_names,
        FLAGS.skip_broken,
        metadata.task,
        FLAGS.data_dir,
        FLAGS.max_megapixels,
    )
    logits, labels = predict_logits(model, split, metadata.image_size, FLAGS.batch_size)
    scores = score(logits, labels, metadata.class_names, split.coarse_names, metadata.thresholds)
    if FLAGS.json:
        run = {"model": FLAGS.model, "data": data, "split": FLAGS.split}
        write_json(FLAGS.json, run | {"left_out": split.left_out} | scores.to_dict())
    _print(scores)
    print(split.summary())


def _print(scores):
    from keras_crosspool.tables import print_table

    figures = next(iter(scores.classes.values()))
    rows = list(scores.classes.items())
    if len(rows) > _MOST_ROWS:
        rows = sorted(rows, key=lambda item: item[1]["recall"])[:_MOST_ROWS]
    print_table(
        ["class", *(name.replace("_", " ") for name in figures)],
        [
            [name, *(f"{x:.3f}" if isinstance(x, float) else str(x) for x in row.values())]
            for name, row in rows
        ],
    )
    if len(rows) < len(scores.classes):
        print(
            f"the {len(rows)} of {len(scores.classes)} classes with the lowest recall; --json=FILE "
            "writes all"
        )
    print(scores.summary())


if __name__ == "__main__":
    run(main, needs="tensorflow")
