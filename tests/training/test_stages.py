"""The stages of a run: the weights that validate best are kept, and time is counted by stage."""

import keras
import numpy as np
import pytest

from keras_crosspool.models.training_scores import TuningScores
from keras_crosspool.training import stages
from keras_crosspool.training.stages import Kept, Stages, Stopwatch

NAMES = ("solved", "fine_tuned", "tuned_again")


def _run(scores):
    """A model whose weight is the number of the stage that it has reached; and what was kept."""
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    left = iter(scores)
    reached = Stages(model, lambda _: next(left))
    for number, name in enumerate(NAMES):
        model.set_weights([np.full((1, 1), number, "float32")])
        reached.reached(name, f"predictions of {name}" if scores else None)
    kept = reached.keep_best()
    return NAMES[int(model.get_weights()[0].item())], kept


@pytest.mark.parametrize(
    ("scores", "best"),
    [
        ((0.9, 0.5, 0.7), "solved"),
        ((0.5, 0.9, 0.7), "fine_tuned"),
        ((0.5, 0.7, 0.9), "tuned_again"),
        ((0.9, 0.9, 0.5), "fine_tuned"),  # of equals the latest
    ],
)
def test_the_weights_that_validate_best_are_kept(scores, best):
    weights_of, kept = _run(scores)
    assert weights_of == best
    scores = TuningScores(dict(zip(NAMES, scores, strict=True)), best)
    assert kept == Kept(scores, f"predictions of {best}")


def test_without_a_validation_split_the_last_weights_stay():
    assert _run(()) == ("tuned_again", Kept(TuningScores(), None))


def test_a_stage_that_comes_twice_is_added_up(monkeypatch):
    clock = iter([0.0, 2.0, 10.0, 13.0])
    monkeypatch.setattr(stages.time, "perf_counter", lambda: next(clock))
    watch = Stopwatch()
    for _ in range(2):
        with watch.stage("validation"):
            pass
    assert watch.stages == {"validation": 5.0}
