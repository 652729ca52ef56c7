"""The scores of a tuned network that is mixed with the one it was before."""

import dataclasses
import pathlib

from keras_crosspool import CrossPoolClassifier
from keras_crosspool.distribution import ONE_DEVICE
from keras_crosspool.fine_tuning.tuning_model import mix_weights
from keras_crosspool.models.directory import load_model
from keras_crosspool.records import read_record, write_json
from keras_crosspool.sessions import open_parts, with_sessions_if_found
from keras_crosspool.training.solving import Solving
from keras_crosspool.training.validation import Validation


@dataclasses.dataclass(frozen=True)
class TunedScores:
    """Scores on other photographs of classifiers solved on one network.

    Attributes:
        pooling: float, of the model.
        average: float, of the global average.
        at_least, at_most: float, the ends of the 95 % interval of the difference; `None` where
            all photographs are of one session.
    """

    pooling: float
    average: float
    at_least: float | None
    at_most: float | None


def scores_at(share, directory, metadata, config):
    """The scores at a share of the tuned weights, solved now where that was not done.

    Args:
        share: float.
        directory: path of the model, trained with all of the tuned weights; scores are kept there.
        metadata: its `ModelMetadata`.
        config: its `TrainingConfig`.

    Returns:
        `TunedScores`; `None` for a part of the weights of a run that kept the network as it was.
    """
    tuning = metadata.scores.tuning
    if share == 1:
        return TunedScores(
            tuning.stages["tuned"], tuning.baseline, *(tuning.advantage or (None, None))
        )
    if tuning.kept_stage != "tuned":
        return None
    path = pathlib.Path(directory) / f"scores_at_{share:g}.json"
    if not path.is_file():
        write_json(path, dataclasses.asdict(_solved(directory, share, config)))
    return read_record(TunedScores, path, "remove it")


def _solved(directory, share, config):
    (model, metadata), network, data = load_model(directory), config.network, config.data
    parts = open_parts(data.data, data.train_split, data.val_split, None, None, data.groups, 0)
    held_out = with_sessions_if_found(parts.validation)
    before = CrossPoolClassifier.from_backbone(
        network.backbone, model.class_names, image_size=model.image_size, weights=network.weights
    )
    mix_weights(model, before.backbone.get_weights(), share)
    solving = Solving(config, parts.training, ONE_DEVICE)
    baseline = solving.solve_tuned(model, metadata.scores)
    validation = Validation(held_out, config.fine_tuning.batch_size, {})
    found = validation.predictions_of_each({"model": model, "baseline": baseline})
    measured = [
        held_out.task.measure(each.logits, each.labels)
        for each in (found["model"], found["baseline"])
    ]
    advantage = validation.advantage(found["model"], found["baseline"]) or (None, None)
    return TunedScores(*measured, *advantage)
