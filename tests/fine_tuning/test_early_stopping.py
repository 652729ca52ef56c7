"""Patience and best weights outlive the process."""

import json

import keras
import numpy as np
import pytest

from keras_crosspool.fine_tuning.callbacks.early_stopping import ResumableEarlyStopping

SCORES = [0.5, 0.7, 0.6, 0.65, 0.7, 0.1]


def _stopper(patience=3):
    return ResumableEarlyStopping(
        monitor="score", mode="max", patience=patience, restore_best_weights=True
    )


@pytest.fixture
def model():
    image = keras.Input((2,))
    return keras.Model(image, keras.layers.Dense(1)(image))


def _run(stopper, model, epochs):
    """Epochs whose weights are their number; the one after which it stopped."""
    stopper.set_model(model)
    stopper.on_train_begin()
    for epoch in epochs:
        model.set_weights([np.full(weight.shape, epoch) for weight in model.get_weights()])
        stopper.on_epoch_end(epoch, {"score": np.float32(SCORES[epoch])})
        if model.stop_training:
            stopper.on_train_end()
            return epoch
    return None


@pytest.mark.parametrize("interrupted", [1, 2, 3, 4])
def test_taken_up_it_stops_where_it_would_have(model, interrupted):
    model.stop_training = False
    assert _run(_stopper(), model, range(6)) == 4  # the best was epoch 1
    assert (model.get_weights()[0] == 1).all()
    model.stop_training = False
    first, second = _stopper(), _stopper()
    assert _run(first, model, range(interrupted)) is None
    state, arrays = first.state()
    second.restore(json.loads(json.dumps(state)), arrays)
    assert _run(second, model, range(interrupted, 6)) == 4
    assert (model.get_weights()[0] == 1).all()


def test_what_it_was_given_serves_once(model):
    stopper = _stopper(patience=1)
    stopper.restore({"wait": 0, "best": 9.0, "best_epoch": 0, "stopped_epoch": 0}, {})
    model.stop_training = False
    assert _run(stopper, model, range(6)) == 1  # Keras never stops at epoch 0
    model.stop_training = False
    assert _run(stopper, model, range(6)) == 2


def test_the_best_weights_in_their_order():
    arrays = {f"best/{index:04d}": np.array(index) for index in range(12)}
    shuffled = dict(sorted(arrays.items(), key=lambda item: item[0][::-1]))
    best = ResumableEarlyStopping.best_of(shuffled | {"model/0000": np.array(99)})
    assert [int(array) for array in best] == list(range(12))
    assert ResumableEarlyStopping.best_of({"model/0000": np.array(99)}) is None
