"""Scores a trained model on a labelled split: top-1, top-5, per class and coarse classes.

A multi-label model is scored by the average precision of each label and by F1 at its thresholds.

python -m keras_crosspool.evaluate --model=model --data=data/grocery_mini --split=test
"""

from keras_crosspool.config.flag_definitions import config_of_flags, define_flags
from keras_crosspool.config.model_use_config import EvaluationConfig
from keras_crosspool.mains import run

_MOST_ROWS = 100  # classes in the table

define_flags(EvaluationConfig, __name__)


def main(_):
    from keras_crosspool.data import open_split
    from keras_crosspool.evaluation import predict_logits, score
    from keras_crosspool.evaluation.unknown import evaluate_unknown
    from keras_crosspool.files import check_not_an_input
    from keras_crosspool.models.directory import load_model, own_splits, unsplit_part
    from keras_crosspool.records import write_json

    config = config_of_flags(EvaluationConfig)
    model, metadata = load_model(config.model)
    data = config.data or metadata.data["path"]
    check_not_an_input(config.json, (), [config.model, data])
    split = open_split(
        data,
        config.split or unsplit_part(config.model, metadata, data, config.splits) or "test",
        metadata.class_names,
        task=metadata.task,
        data_dir=config.data_dir,
        splits=config.splits or own_splits(config.model),
        **config.image_options(),
    )
    logits, labels = predict_logits(model, split, metadata.image_size, config.batch_size)
    scores = score(logits, labels, metadata.class_names, split.coarse_names, metadata.thresholds)
    unknown = config.unknown and evaluate_unknown(
        model, metadata, logits, config.unknown, **config.image_options()
    )
    if config.json:
        run = {"model": config.model, "data": data, "split": split.name}
        run |= {"left_out": split.left_out} | scores.to_dict()
        write_json(config.json, run | ({"unknown": unknown.to_dict()} if unknown else {}))
    _print(scores)
    print(split.summary())
    if unknown:
        print(unknown.summary())


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
