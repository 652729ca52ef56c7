"""Tells what is in images, with a score for each class, and shows where that came from.

Of a multi-label model the labels above their thresholds are listed.

python -m keras_crosspool.predict --model=model image.jpg --explain=where.png
"""

from absl import flags

from keras_crosspool.image_flags import define_image_flags
from keras_crosspool.mains import run

FLAGS = flags.FLAGS
flags.DEFINE_string("model", None, "Model directory, as train writes it.", required=True)
flags.DEFINE_integer(
    "top", 5, "Classes to show for each image; a multi-label model shows what it finds.", 1
)
flags.DEFINE_string(
    "explain",
    None,
    "Image to write: heat maps of what each position contributed to the best class and to the "
    "runner-up.",
)
flags.DEFINE_string("json", None, "File for the scores of every class.")
define_image_flags(__name__)


def main(paths):
    from keras_crosspool.evaluation import plots, prediction
    from keras_crosspool.files import atomic_path
    from keras_crosspool.models.directory import load_model
    from keras_crosspool.records import write_json

    if not paths:
        raise ValueError("Expected images: predict --model=DIR IMAGE... Received: none")
    if FLAGS.explain:
        plots.check_image_format(FLAGS.explain)
    model, metadata = load_model(FLAGS.model)
    predictions = prediction.predict_images(
        model, metadata, paths, FLAGS.skip_broken, FLAGS.max_megapixels
    )
    if FLAGS.json:
        write_json(FLAGS.json, [p.to_dict() for p in predictions])
    if FLAGS.explain:
        with atomic_path(FLAGS.explain) as path:
            prediction.explain(model, metadata, predictions, path)
    _print(predictions)


def _print(predictions):
    from keras_crosspool.tables import print_table
    from keras_crosspool.text import printable

    for image in predictions:
        print(printable(image.path))
        listed = image.listed(FLAGS.top)
        print_table(
            ["class", "score", "logit"],
            [(name, f"{probability:.3f}", f"{logit:.2f}") for name, probability, logit in listed],
        )


if __name__ == "__main__":
    run(main, positional="IMAGE", needs="keras")
