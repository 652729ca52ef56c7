"""Tells what is in images, with a score for each class, and shows where that came from.

Of a multi-label model the labels above their thresholds are listed.

python -m keras_crosspool.predict --model=model image.jpg --explain=where.png
"""

from keras_crosspool.config.flag_definitions import config_of_flags, define_flags
from keras_crosspool.config.model_use_config import PredictionConfig
from keras_crosspool.mains import run

define_flags(PredictionConfig, __name__)


def main(paths):
    from keras_crosspool.evaluation import plots, prediction
    from keras_crosspool.files import atomic_path, check_not_an_input
    from keras_crosspool.models.directory import load_model
    from keras_crosspool.records import write_json

    config = config_of_flags(PredictionConfig)
    if not paths:
        raise ValueError("Expected images: predict --model=DIR IMAGE... Received: none")
    if config.explain:
        plots.check_image_format(config.explain)
    for output in (config.json, config.explain):
        check_not_an_input(output, paths, [config.model])
    model, metadata = load_model(config.model)
    predictions = prediction.predict_images(model, metadata, paths, **config.image_options())
    if config.json:
        write_json(config.json, [p.to_dict() for p in predictions])
    if config.explain:
        with atomic_path(config.explain) as path:
            prediction.explain(model, metadata, predictions, path)
    _print(predictions, config.top)


def _print(predictions, top):
    from keras_crosspool.tables import print_table
    from keras_crosspool.text import printable

    for image in predictions:
        print(printable(image.path))
        if image.refused:
            print(f"none of the {len(image.class_names)} classes; nearest:")
        listed = image.listed(top)
        print_table(
            ["class", "score", "logit"],
            [(name, f"{probability:.3f}", f"{logit:.2f}") for name, probability, logit in listed],
        )


if __name__ == "__main__":
    run(main, positional="IMAGE", needs="keras")
