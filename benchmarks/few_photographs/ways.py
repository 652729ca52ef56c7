"""The ways from a few photographs to a classifier, each scored on other photographs."""

import dataclasses

import keras

from benchmarks.data_sets import draw_photographs, open_data, validation_of
from keras_crosspool.distribution import ONE_DEVICE
from keras_crosspool.fine_tuning.fine_tune import fine_tune
from keras_crosspool.fine_tuning.tuning_model import mix_weights, tuning_model
from keras_crosspool.targets import TARGETS
from keras_crosspool.training.solving import Solving

_HEADS = {"average": "global average", "cross_layer": "small cross-layer head"}


@dataclasses.dataclass(frozen=True)
class Draw:
    """What was found on one draw of photographs, as it is kept.

    Attributes:
        arguments: dict, the options of the run and of its tuning.
        scores: dict, way in words to its score on the validation split.
    """

    arguments: dict
    scores: dict[str, float]


def scores_of_ways(config, tuning, count):
    """Solves and tunes on one draw of photographs.

    Args:
        config: `TrainingConfig` of the recipe `tuned`; its seed is that of the draw too.
        tuning: dict, each `tuning_head` to tune through to its `classifier_rate`.
        count: int, photographs of a class; a class with fewer gives all it has.

    Returns:
        dict, way in words to its score on the validation split.
    """
    keras.backend.clear_session()
    keras.utils.set_random_seed(config.fine_tuning.seed)
    training = open_data(config.data).training
    drawn = draw_photographs(training.labels, count, config.fine_tuning.seed)
    return _Study(config, training.chosen(drawn, training.name)).scores(tuning)


class _Study:
    """One draw: the model solved on it, and what tuning makes of it."""

    def __init__(self, config, training):
        self._config, self._training = config, training
        self._solving = Solving(config, training, ONE_DEVICE)
        self._validation = validation_of(config)
        self._metric = TARGETS[training.task.name].metric
        self._model, _ = self._solving.new_model()
        self._before = self._model.backbone.get_weights()

    def scores(self, tuning):
        """Way to score."""
        fitted = self._solving.fit(self._model)
        solved = self._solving.choose(fitted, self._validation).scores
        scores = {
            "global average, solved": solved.baseline.validation[self._metric],
            "scheme 1, solved": solved.solved.validation[self._metric],
        }
        for head, rate in tuning.items():
            scores |= self._tuned(head, rate, solved)
        return scores

    def _tuned(self, name, rate, solved):
        """The scores of a head that is tuned with the network, and of what is solved on that."""
        options = self._config.replace(tuning_head=name, classifier_rate=rate).fine_tuning
        self._model.backbone.set_weights(self._before)
        head = tuning_model(self._model, options.tuning_size, options)
        fine_tune(head, self._training, None, options.tuning_size, options)
        larger = tuning_model(self._model, self._model.image_size, options)
        larger.set_weights(head.get_weights())
        words = _HEADS[name]
        scores = {
            f"{words}, fine-tuned": self._score(head),
            f"{words}, fine-tuned, scored at {larger.image_size} px": self._score(larger),
        }
        mix_weights(self._model, self._before, options.tuned_share)
        baseline = self._solving.solve_tuned(self._model, solved)
        found = self._validation.predictions_of_each({"model": self._model, "other": baseline})
        return scores | {
            f"global average, tuned through the {words}": self._measure(found["other"]),
            f"scheme 1, tuned through the {words}": self._measure(found["model"]),
        }

    def _score(self, model):
        return self._measure(self._validation.predictions(model))

    def _measure(self, predictions):
        return self._validation.scores_of(predictions)[self._metric]
