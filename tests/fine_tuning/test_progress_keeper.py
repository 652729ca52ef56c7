"""Training that was stopped, at whatever step, ends in the weights of training that was not."""

import os
import signal

import numpy as np
import pytest

from keras_crosspool.config.fine_tuning_config import FineTuningConfig
from keras_crosspool.errors import InterruptedTrainingError
from keras_crosspool.fine_tuning.callbacks.throughput import Throughput
from keras_crosspool.fine_tuning.checkpoints import Checkpoints
from keras_crosspool.fine_tuning.fine_tune import fine_tune

# Of 18 images three steps an epoch: 3 with the head alone, then 9.
OPTIONS = {
    "epochs": 3,
    "frozen_epochs": 1,
    "learning_rate": 0.05,
    "classifier_rate": 1.0,
    "ema_momentum": 0.5,
    "batch_norm": "local",
    "patience": 1,
    "batch_size": 7,
    "checkpoint_steps": 2,
}


class _Killed(BaseException):
    """The process ends at once."""


@pytest.fixture(scope="module")
def tune(tiny_network, train_split, test_split):
    """A function that trains, or goes on: the weights, the history and the names of the steps."""

    def run(folder=None, **options):
        model = tiny_network()
        options = FineTuningConfig(**OPTIONS | options)
        arguments = (model, train_split, test_split, 16, options)
        if folder is None:
            history, _ = fine_tune(*arguments)
        else:
            with Checkpoints(folder, {}) as checkpoints:
                history, _ = fine_tune(*arguments, checkpoints=checkpoints)
        return model.get_weights(), history

    return run


@pytest.fixture(scope="module")
def expected(tune):
    """What training gives that nobody stops."""
    return tune()


@pytest.fixture
def at_step(monkeypatch):
    """A function that does something at the end of a step, counted from 1 over all phases."""

    def install(number, act):
        taken = []

        def on_train_batch_end(self, batch, logs=None):
            taken.append(batch)
            if len(taken) == number:
                act()

        monkeypatch.setattr(Throughput, "on_train_batch_end", on_train_batch_end)
        return taken

    return install


def _signal():
    os.kill(os.getpid(), signal.SIGTERM)


def _kill():
    raise _Killed


def _assert_equal(found, expected):
    weights, history = found
    for ours, theirs in zip(weights, expected[0], strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert list(history) == list(expected[1])
    for name, values in history.items():
        np.testing.assert_allclose(values, expected[1][name], rtol=1e-5, err_msg=name)


def test_training_moves_all_and_validates(tune, expected, tiny_network):
    weights, history = expected
    network = tiny_network()
    for variable, before, after in zip(
        network.weights, network.get_weights(), weights, strict=True
    ):
        moved = np.abs(after - before).max() > 1e-4
        solved = variable.path.endswith(("inverse_limit", "familiarity", "familiarity_bias"))
        assert moved == (not solved), variable.path
    assert set(history) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert len(set(history["loss"])) == len(history["loss"]) >= 3


@pytest.mark.parametrize("step", [1, 3, 4, 5, 6])
def test_a_signal_ends_it_after_the_step(tune, expected, at_step, tmp_path, step):
    before = signal.getsignal(signal.SIGTERM)
    taken = at_step(step, _signal)
    words = rf"same command to go on.*signal 15, progress kept in {tmp_path}/checkpoints$"
    with pytest.raises(InterruptedTrainingError, match=words):
        tune(tmp_path / "checkpoints")
    assert len(taken) == step  # the last step of an epoch is followed by its validation alone
    assert signal.getsignal(signal.SIGTERM) == before
    again = at_step(0, _signal)
    _assert_equal(tune(tmp_path / "checkpoints"), expected)
    assert len(again) == 3 * len(expected[1]["loss"]) - len(taken)


@pytest.mark.parametrize("step", [2, 5, 9])
def test_a_kill_costs_the_steps_since_the_last_checkpoint(tune, expected, at_step, tmp_path, step):
    at_step(step, _kill)
    with pytest.raises(_Killed):
        tune(tmp_path / "checkpoints")
    at_step(0, _kill)
    _assert_equal(tune(tmp_path / "checkpoints"), expected)


def test_what_has_ended_is_taken_as_it_is(tune, expected, at_step, tmp_path):
    _assert_equal(tune(tmp_path / "checkpoints"), expected)
    taken = at_step(0, _kill)
    _assert_equal(tune(tmp_path / "checkpoints"), expected)
    assert taken == []


def test_without_checkpoints_nothing_is_kept(tune, at_step):
    at_step(2, _signal)
    with pytest.raises(InterruptedTrainingError, match=r"signal 15, progress not kept$"):
        tune()


def test_checkpoints_of_another_network_are_refused(tune, at_step, tmp_path):
    at_step(2, _signal)
    with pytest.raises(InterruptedTrainingError):
        tune(tmp_path / "checkpoints", ema_momentum=None)
    with pytest.raises(ValueError, match=r"does not fit this model.*Received: optimizer/"):
        tune(tmp_path / "checkpoints")
