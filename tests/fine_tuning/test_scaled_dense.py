"""The last layer of a tuning head: its formula, its dropout, and that it is saved whole."""

import keras
import numpy as np
import pytest

from keras_crosspool.fine_tuning.scaled_dense import ScaledDense

ROWS = np.random.default_rng(0).normal(size=(4, 6)).astype("float32")


def test_the_formula():
    layer = ScaledDense(3, scale=30.0, dropout=0.5, seed=0)
    logits = np.asarray(layer(ROWS))
    kernel, bias = layer.get_weights()
    np.testing.assert_allclose(logits, 30 * ROWS @ kernel + bias, rtol=1e-5)


def test_training_drops_a_share_of_the_values():
    layer = ScaledDense(1, scale=2.0, dropout=0.25, kernel_initializer="ones", seed=1)
    logits = np.asarray(layer(np.ones((200, 400), "float32"), training=True))
    # A value that stays counts 1 / 0.75, so that the sum is 2 * 400 on average.
    kept = logits * 0.75 / 2 / 400
    np.testing.assert_allclose(kept, np.round(kept * 400) / 400, atol=1e-5)
    assert kept.mean() == pytest.approx(0.75, abs=0.01)
    assert kept.std() > 0.005


def test_equal_seeds_give_equal_weights():
    kernels = []
    for seed in (3, 3, 4):
        layer = ScaledDense(5, seed=seed)
        layer.build((None, 6))
        kernels.append(layer.get_weights()[0])
    np.testing.assert_array_equal(kernels[0], kernels[1])
    assert not np.allclose(kernels[0], kernels[2])


def test_it_is_saved_whole(tmp_path):
    image = keras.Input((6,))
    model = keras.Model(image, ScaledDense(3, scale=7.0, dropout=0.1, seed=2)(image))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    layer = loaded.layers[-1]
    assert (layer.scale, layer.dropout.rate, layer.seed) == (7.0, 0.1, 2)
    np.testing.assert_array_equal(loaded.predict(ROWS), model.predict(ROWS))
