"""Scores a trained model on a labelled split: top-1, top-5, per class and coarse classes.

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
flags.DEFINE_string("split", "test", "Split to score on.")
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
    split = open_split(data, FLAGS.split, metadata.class_names, FLAGS.skip_broken)
    logits, labels = predict_logits(model, split, metadata.image_size, FLAGS.batch_size)
    scores = score(logits, labels, metadata.class_names, split.coarse_names)
    _print(scores)
    if FLAGS.json:
        record = {"model": FLAGS.model, "data": data, "split": FLAGS.split} | scores.to_dict()
        with atomic_path(FLAGS.json) as path:
            path.write_text(json.dumps(record, indent=2))


def _print(scores):
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Column, Table

    table = Table(Column("class", overflow="fold"), "pictures", "precision", "recall")
    for name, row in scores.classes.items():
        table.add_row(
            escape(name), str(row["pictures"]), f"{row['precision']:.3f}", f"{row['recall']:.3f}"
        )
    Console().print(table)
    print(f"top-1 {scores.top1:.4f}  top-5 {scores.top5:.4f}  log loss {scores.log_loss:.4f}")
    if scores.coarse_top1 is not None:
        print(f"coarse top-1 {scores.coarse_top1:.4f}")
    print(f"{scores.pictures} pictures")


if __name__ == "__main__":
    run(main)
