"""One model at several sizes of its descriptor, each scored on its validation split."""

import pathlib

from benchmarks.data_sets import open_data, validation_of
from keras_crosspool.closed_form.compress import compressed
from keras_crosspool.closed_form.head_solver import HeadSolver
from keras_crosspool.config.training_config import TrainingConfig
from keras_crosspool.models.directory import load_model
from keras_crosspool.targets import TARGETS
from keras_crosspool.training.solving import choice_of


def score_sizes(directory, sizes):
    """Scores a model, and what is left of it at each size.

    Args:
        directory: `pathlib.Path` of a model directory of scheme 1.
        sizes: list of pairs of int, feature and guidance channels.

    Yields:
        dict, column to figure: a row for the whole descriptor, then one a size.

    Raises:
        ValueError: if the model has another scheme or fewer channels, or its data is not there.
    """
    model, metadata = load_model(directory)
    config = TrainingConfig.of(**metadata.arguments)
    seed = config.fine_tuning.seed
    training, validation = open_data(config.data, seed).training, validation_of(config, seed)
    metric, choice = TARGETS[metadata.task].metric, choice_of(metadata.scores.solved)
    head = HeadSolver(training, config.solver, config.guidance)
    whole = validation.predictions(model)

    def row(size, shown, predictions):
        values = shown.descriptor.shape[-1]
        of_other = None if predictions is whole else whole
        at_least, at_most = validation.advantage(predictions, of_other) or (None, None)
        return {
            "model": directory.name,
            "data": pathlib.Path(config.data.data).name,
            "channels": size,
            "values": values,
            "weights of the classifier": values * len(model.class_names),
            "score": validation.scores_of(predictions)[metric],
            "gain, at least": at_least,
            "gain, at most": at_most,
        }

    yield row("all", model, whole)
    for features, guidance in sizes:
        small = compressed(model, head, choice, features, guidance).model
        yield row(f"{features} x {guidance}", small, validation.predictions(small))
