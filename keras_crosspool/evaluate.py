"""Scores a trained model on a labelled split: top-1, top-5, per class and coarse classes.

A multi-label model is scored by the average precision of each label and by F1 at its thresholds.

python -m keras_crosspool.evaluate --model=model --data=data/grocery_mini --split=test
"""

import json

from absl import flags

from keras_crosspool.mains import run

FLAGS = flags.FLAGS
flags.DEFINE_string("model", None, "Model directory, as train writes it.", required=True)
flags.DEFINE_string(
    "data", None, "Folder of pictures split/class/*.jpg, or tfds:NAME; the training data if unset."
)
flags.DEFINE_string("data_dir", None, "Folder of TFDS data sets; TFDS_DATA_DIR if unset.")
flags.DEFINE_string(
    "split", None, "Split to score on; the one that training was validated on if unset."
)
flags.DEFINE_integer("batch_size", 32, "Pictures in a batch.", 1)
flags.DEFINE_bool("skip_broken", False, "Leave broken pictures out instead of stopping.")
flags.DEFINE_string("json", None, "File for all scores, per class too.")


def main(_):
    from keras_crosspool.data import open_split
    from keras_crosspool.evaluation import predict_logits, score
    from keras_crosspool.files import atomic_path
    from keras_crosspool.models import load_model

    model, metadata = load_model(FLAGS.model)
    data = FLAGS.data or metadata.data["path"]
    name = FLAGS.split or metadata.default_split("val")
    split = open_split(
        data,
        name,
        metadata.class_names,
        FLAGS.skip_broken,
        metadata.task,
        FLAGS.data_dir,
    )
    logits, labels = predict_logits(model, split, metadata.image_size, FLAGS.batch_size)
    scores = score(logits, labels, metadata.class_names, split.coarse_names, metadata.thresholds)
    _print(scores)
    if FLAGS.json:
        record = {"model": FLAGS.model, "data": data, "split": name} | scores.to_dict()
        with atomic_path(FLAGS.json) as path:
            path.write_text(json.dumps(record, indent=2))


def _print(scores):
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Column, Table

    figures = next(iter(scores.classes.values()))
    table = Table(Column("class", overflow="fold"), *(name.replace("_", " ") for name in figures))
    for name, row in scores.classes.items():
        cells = (f"{x:.3f}" if isinstance(x, float) else str(x) for x in row.values())
        table.add_row(escape(name), *cells)
    Console().print(table)
    print(scores.summary())
    print(f"{scores.pictures} pictures")


if __name__ == "__main__":
    run(main)
