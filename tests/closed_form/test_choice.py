"""What cross-validation tries: alphas from the default on, while the log loss falls."""

import types

import numpy as np
import pytest

from keras_crosspool.closed_form.choice import choose
from keras_crosspool.closed_form.methods import METHODS
from keras_crosspool.closed_form.weightings import weightings

ALPHAS = METHODS["ridge"].alphas


class _Problem:
    """A problem whose held-out scores are the noisier, the further alpha is from the best one."""

    def __init__(self, best, branches=1, best_weights=None):
        self.method, self.branches, self.rows = METHODS["ridge"], [None] * branches, None
        self.labels = np.arange(300) % 3
        self.judged = self.folds = np.arange(300)
        self.tried = []
        self._best, self._best_weights = best, best_weights

    def held_out_scores(self, weights, alpha):
        self.tried.append((weights, alpha))
        steps = abs(ALPHAS.index(alpha) - ALPHAS.index(self._best))
        steps += weights != (self._best_weights or weightings(len(self.branches))[0])
        noise = np.random.default_rng(0).normal(size=(300, 3))
        return np.eye(3)[self.labels] + (0.5 + steps) * noise


@pytest.mark.parametrize(
    ("best", "tried"),
    [
        (1e-3, (1e-2, 1e-1, 1e-3)),
        (1e-2, (1e-2, 1e-1, 1e-3)),
        (1e-1, (1e-2, 1e-1, 3e-1)),
        (3e-1, (1e-2, 1e-1, 3e-1, 1.0)),
        (1.0, (1e-2, 1e-1, 3e-1, 1.0)),
    ],
)
def test_the_best_alpha_is_found_without_those_beyond_it(best, tried):
    problem = _Problem(best)
    choice, validation = choose(problem)
    assert choice.alpha == best
    assert tuple(alpha for _, alpha in problem.tried) == tried
    assert tuple(validation) == tried
    assert min(validation, key=lambda alpha: validation[alpha]["log_loss"]) == best


def test_other_weights_are_tried_at_the_best_alpha():
    best_weights = weightings(2)[3]
    problem = _Problem(1e-1, branches=2, best_weights=best_weights)
    choice, validation = choose(problem)
    assert (choice.weights, choice.alpha) == (best_weights, 1e-1)
    assert set(problem.tried[3:]) == {(weights, 1e-1) for weights in weightings(2)[1:]}
    assert validation[1e-1]["accuracy"] > max(validation[1e-2]["accuracy"], 0.5)


def test_what_is_to_be_kept_is_calibrated_alone():
    problem = _Problem(1e-1, branches=2)
    choice, validation = choose(problem, chosen=((0.6, 0.8), 1.0))
    assert (choice.weights, choice.alpha) == ((0.6, 0.8), 1.0)
    assert problem.tried == [((0.6, 0.8), 1.0)]
    assert list(validation) == [1.0]


def test_nothing_is_tried_where_nothing_is_held_out():
    problem = _Problem(1e-1)
    problem.folds, problem.rows = None, types.SimpleNamespace(has_sessions=False)
    choice, validation = choose(problem)
    assert (choice.weights, choice.alpha) == ((1.0,), METHODS["ridge"].default)
    assert choose(problem, chosen=((1.0,), 0.3))[0].alpha == 0.3
    assert validation == {}
    assert problem.tried == []
