"""Scheme 1 on the last pair of feature maps, on earlier ones, and on both."""

import pathlib

from benchmarks.data_sets import open_data, validation_of
from benchmarks.zoo.macs import count_macs
from keras_crosspool.closed_form.head_solver import HeadSolver
from keras_crosspool.distribution import ONE_DEVICE
from keras_crosspool.targets import TARGETS
from keras_crosspool.training.solving import Solving

_REFERENCE = "last pair"


def compare_pairs(config):
    """Solves scheme 1 on each pair of maps and on both, and the global average beside them.

    Args:
        config: `TrainingConfig` of the scheme `"scheme1+scheme1_earlier"`.

    Yields:
        dict, column to figure: a row for each of them.

    Raises:
        ValueError: if there is no split to score on.
    """
    training, validation = open_data(config.data).training, validation_of(config)
    model, _ = Solving(config, training, ONE_DEVICE).new_model()
    head, models = HeadSolver(training, config.solver, config.guidance), _models(model)
    head.adapt(model)
    solved, _ = head.solve(list(models.values()), {})
    predictions = validation.predictions_of_each(models)
    metric = TARGETS[training.task.name].metric
    for (name, model), classifier in zip(models.items(), solved, strict=True):
        scores = validation.scores_of(predictions[name])
        row = {
            "data": pathlib.Path(config.data.data).name,
            "maps": name,
            "values": model.descriptor.shape[-1],
            "MACs (M)": count_macs(model) / 1e6,
            "cross-validated": classifier.cross_validated[metric],
            "score": scores[metric],
            "log loss": scores["log_loss"],
        }
        if name not in (_REFERENCE, "global average"):
            ends = validation.advantage(predictions[name], predictions[_REFERENCE])
            row |= dict(zip(("gain, at least", "gain, at most"), ends, strict=True))
        yield row


def _models(both):
    """The models to compare, which share all layers, by what they see."""
    last, earlier = both.branches
    return {
        "global average": both.baseline(),
        _REFERENCE: both.on_branches([last], "last"),
        "earlier pair": both.on_branches([earlier], "earlier"),
        "both pairs": both,
    }
