"""Opens what a run trains and validates on, and warns of what makes scores say too much."""

from absl import logging

from keras_crosspool.data.split import classes_without_images
from keras_crosspool.data.splits_file import SPLITS_FILE
from keras_crosspool.sessions import open_parts
from keras_crosspool.sessions.similarity import seen_before


def open_checked_parts(config):
    """Opens what a run trains and validates on, and warns of what makes scores say too much.

    Args:
        config: `TrainingConfig`.

    Returns:
        As `open_parts`.

    Raises:
        ValueError: if the data is not as expected.
    """
    data = config.data
    if data.val_split and data.val_split == (data.train_split or "train"):
        logging.warning(
            "the validation split is the training split, so its scores say nothing of other "
            "photographs"
        )
    parts = open_parts(data.data, seed=config.fine_tuning.seed, **data.part_options())
    if parts.splits:
        logging.info("%s; see %s in the model directory", parts.summary(), SPLITS_FILE)
    if config.fine_tuning.patience is not None and parts.validation is None:
        logging.warning("`patience` changes nothing without a validation split")
    if parts.validation:
        _tell_missing_classes(parts.validation)
        _tell_leaks(parts, data.data)
    return parts


def _tell_leaks(parts, data):
    """Says what an audit would find that makes the validation score too high."""
    seen = seen_before(parts.training, parts.validation)
    if len(seen):
        logging.warning(
            "%d photographs of %s look exactly like ones that are trained on, so its score is too "
            "high; crosspool audit --data=%s shows them",
            len(seen),
            parts.validation.name,
            data,
        )


def _tell_missing_classes(validation):
    """Names the classes that the validation split says nothing of."""
    if validation.task.name != "single_label":
        return
    missing = classes_without_images(validation.labels, validation.class_names)
    if missing:
        logging.warning(
            "%s has no photograph of %d of %d classes, so its scores say nothing of them: %s",
            validation.name,
            len(missing),
            len(validation.class_names),
            ", ".join(missing[:5]),
        )
