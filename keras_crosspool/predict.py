"""Tells what is in pictures, with a score for each class, and shows where that came from.

Of a multi-label model the labels above their thresholds are listed.

python -m keras_crosspool.predict --model=model picture.jpg --explain=where.png
"""

import json

from absl import flags

from keras_crosspool.data.flags import define_image_flags
from keras_crosspool.mains import run

FLAGS = flags.FLAGS
flags.DEFINE_string("model", None, "Model directory, as train writes it.", required=True)
flags.DEFINE_integer(
    "top", 5, "Classes to show for each picture; a multi-label model shows what it finds.", 1
)
flags.DEFINE_string(
    "explain",
    None,
    "Picture to write: heat maps of what each place contributed to the best class and to the "
    "runner-up.",
)
flags.DEFINE_string("json", None, "File for the scores of every class.")
define_image_flags(__name__)


def main(paths):
    from keras_crosspool.evaluation import plots, prediction
    from keras_crosspool.files import atomic_path
    from keras_crosspool.models import load_model

    if not paths:
        raise ValueError("Expected pictures: predict --model=DIR IMAGE... Received: none")
    if FLAGS.explain:
        plots.check_picture_format(FLAGS.explain)
    model, metadata = load_model(FLAGS.model)
    predictions = prediction.predict_pictures(
        model, metadata, paths, FLAGS.skip_broken, FLAGS.max_megapixels
    )
    _print(predictions)
    if FLAGS.explain:
        with atomic_path(FLAGS.explain) as path:
            prediction.explain(model, metadata, predictions, path)
    if FLAGS.json:
        with atomic_path(FLAGS.json) as path:
            path.write_text(json.dumps([p.to_dict() for p in predictions], indent=2))


def _print(predictions):
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Column, Table

    for picture in predictions:
        columns = (Column("class", overflow="fold"), "score", "logit")
        table = Table(*columns)
        for name, probability, logit in picture.listed(FLAGS.top):
            table.add_row(escape(name), f"{probability:.3f}", f"{logit:.2f}")
        print(picture.path)
        Console().print(table)


if __name__ == "__main__":
    run(main, positional="IMAGE")
