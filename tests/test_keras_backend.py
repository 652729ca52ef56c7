"""What differs between backends, without them: Keras says that it has another one."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_crosspool import keras_backend
from keras_crosspool.distribution import create_distribution
from keras_crosspool.keras_backend import batch_predictor, compiles_training, compute_device


@pytest.fixture
def backend(monkeypatch):
    """A function that lets Keras say that it has another backend."""
    return lambda name: monkeypatch.setattr(keras.config, "backend", lambda: name)


class _Doubler:
    """What is asked of a model: it notes the sizes of its batches."""

    def __init__(self):
        self.sizes = []

    def predict_on_batch(self, rows):
        self.sizes.append(len(rows))
        return {"twice": 2 * rows, "sum": rows.sum(axis=1)}


@pytest.mark.parametrize(("name", "sizes"), [("jax", [4, 4, 4]), ("torch", [4, 4, 3])])
def test_a_smaller_batch_is_filled_up_for_jax_alone(backend, name, sizes):
    backend(name)
    model, rows = _Doubler(), np.arange(22.0).reshape(11, 2)
    predict = batch_predictor(model)
    found = [predict(rows[start : start + 4]) for start in range(0, 11, 4)]
    assert model.sizes == sizes
    np.testing.assert_array_equal(np.concatenate([x["twice"] for x in found]), 2 * rows)
    np.testing.assert_array_equal(np.concatenate([x["sum"] for x in found]), rows.sum(axis=1))


def test_what_is_compiled(backend):
    assert compute_device() == "CPU:0"
    assert not compiles_training("CPU:0")[0]
    assert compiles_training("GPU:0")[0]
    for name, compiled in (("jax", True), ("torch", False), ("numpy", False)):
        backend(name)
        found, reason = compiles_training("cuda:0")
        assert found is compiled
        assert reason


def test_tensorflow_leaves_the_gpus_to_another_backend(backend, monkeypatch):
    calls = []
    monkeypatch.setattr(tf.config, "set_visible_devices", lambda *names: calls.append(names))
    keras_backend.keep_tensorflow_off_gpus()
    assert calls == []
    backend("torch")
    keras_backend.keep_tensorflow_off_gpus()
    assert calls == [([], "GPU")]


def test_gpus_of_tensorflow_do_not_make_another_backend_mirror(backend, monkeypatch):
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: ["one", "two"])
    backend("jax")
    assert create_distribution().name == "one"


def test_the_first_gpus_are_kept(monkeypatch):
    """`devices` says how many; the GPUs are not there, so TensorFlow is asked in their place."""
    kept = []
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: ["one", "two"])
    monkeypatch.setattr(tf.config, "set_visible_devices", lambda *names: kept.append(names))
    assert create_distribution("one", devices=1).name == "one"
    assert kept == [(["one"], "GPU")]
