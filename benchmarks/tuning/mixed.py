"""Classifiers solved on a tuned network that is mixed with the one it was before."""

import dataclasses
import pathlib

import numpy as np

from benchmarks.data_sets import open_data, validation_of
from keras_crosspool.config.training_config import TrainingConfig
from keras_crosspool.distribution import ONE_DEVICE
from keras_crosspool.files import atomic_path
from keras_crosspool.fine_tuning.tuning_model import mix_weights
from keras_crosspool.models.directory import load_model
from keras_crosspool.models.metadata import ModelMetadata
from keras_crosspool.models.training_scores import TrainingScores
from keras_crosspool.records import read_record, write_json
from keras_crosspool.training.solving import Solving
from keras_crosspool.training.validation import Predictions


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


@dataclasses.dataclass(frozen=True)
class Mixed:
    """One scheme on the network of one tuned run, at a share of the tuned weights.

    What is solved is kept in the directory of the run.

    Attributes:
        directory: `pathlib.Path` of the model, trained with all of the tuned weights.
        metadata: its `ModelMetadata`.
        config: `TrainingConfig` of the run, with this scheme.
        solved: `pathlib.Path` of the scheme's model on the network as it was; `None` for scheme 1,
            all of which is fitted anew.
        before: `TrainingScores` of the scheme on the network as it was.
        share: float.
    """

    directory: pathlib.Path
    metadata: ModelMetadata
    config: TrainingConfig
    solved: pathlib.Path | None
    before: TrainingScores
    share: float

    def scores(self):
        """The `TunedScores`; `None` for a part of the weights of a run that kept the old ones."""
        tuning, scheme = self.metadata.scores.tuning, self.config.network.scheme
        if self.share == 1 and scheme == "scheme1":  # what the run itself measured
            ends = tuning.advantage or (None, None)
            return TunedScores(tuning.stages["tuned"], tuning.baseline, *ends)
        if tuning.kept_stage != "tuned":
            return None
        path = self.directory / f"scores_at_{self.share:g}_{scheme}.json"
        if not path.is_file():
            write_json(path, dataclasses.asdict(compare(self.config, [self.logits()])))
        return read_record(TunedScores, path, "remove it")

    def logits(self):
        """The logits of the model and of the global average, a dict of arrays."""
        path = self.directory / f"logits_at_{self.share:g}_{self.config.network.scheme}.npz"
        if not path.is_file():
            logits = self._solved()
            with atomic_path(path) as partial, open(partial, "wb") as file:
                np.savez(file, **logits)
        with np.load(path) as logits:
            return dict(logits)

    def _solved(self):
        config = self.config
        solving = Solving(config, open_data(config.data).training, ONE_DEVICE)
        model, _ = load_model(self.solved) if self.solved else solving.new_model()
        before = model.backbone.get_weights()
        model.backbone.set_weights(load_model(self.directory)[0].backbone.get_weights())
        mix_weights(model, before, self.share)
        models = {"model": model, "average": solving.solve_tuned(model, self.before)}
        found = validation_of(config).predictions_of_each(models)
        return {name: each.logits for name, each in found.items()}


def compare(config, runs):
    """The `TunedScores` of the mean logits of runs.

    Args:
        config: `TrainingConfig` of the runs.
        runs: list of dict, of `Mixed.logits`.
    """
    validation = validation_of(config)
    held_out = validation.split
    model, average = (
        Predictions(held_out, np.mean([run[name] for run in runs], axis=0), held_out.labels)
        for name in ("model", "average")
    )
    scores = (held_out.task.measure(each.logits, each.labels) for each in (model, average))
    return TunedScores(*scores, *(validation.advantage(model, average) or (None, None)))
