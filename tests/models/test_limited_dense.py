"""The classifier's layer: the limit, the common part, the gradient, and what is saved."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_crosspool.models.limited_dense import LimitedDense


@pytest.fixture
def layer():
    layer = LimitedDense(3)
    layer.build((None, 4))
    rng = np.random.default_rng(0)
    layer.assign(9 * rng.normal(size=(4, 3)), rng.normal(size=3), 0.125, rng.normal(size=4), 0.7)
    return layer


ROWS = np.random.default_rng(1).normal(size=(50, 4)).astype("float32")


def test_logits_bend_towards_the_limit(layer):
    kernel, bias, inverse_limit, *_ = layer.get_weights()
    scores = ROWS @ kernel + bias
    logits = ops.convert_to_numpy(layer(ROWS) - layer.common_part(ROWS))
    np.testing.assert_allclose(logits, scores / (1 + np.abs(scores) / 8), rtol=1e-4)
    assert np.abs(scores).max() > 8 > np.abs(logits).max()
    np.testing.assert_allclose(
        ops.convert_to_numpy(layer.shrinkage(ops.convert_to_tensor(logits))),
        logits / scores,
        rtol=1e-3,
    )
    assert inverse_limit == 0.125


def test_the_common_part_is_linear_and_the_same_for_all_logits(layer):
    *_, familiarity, bias = layer.get_weights()
    found = ops.convert_to_numpy(layer.common_part(ROWS))
    np.testing.assert_allclose(found, (ROWS @ familiarity + bias)[:, None], rtol=1e-4, atol=1e-5)
    logits = ops.convert_to_numpy(layer(ROWS))
    layer.assign(layer.kernel, layer.bias, layer.inverse_limit)
    without = ops.convert_to_numpy(layer(ROWS))
    np.testing.assert_allclose(logits, without + found, rtol=1e-4, atol=1e-4)


def test_without_a_limit_it_is_linear():
    layer, dense = LimitedDense(3), keras.layers.Dense(3)
    layer.build((None, 4))
    dense.build((None, 4))
    layer.assign(*dense.get_weights())
    np.testing.assert_array_equal(
        ops.convert_to_numpy(layer(ROWS)), ops.convert_to_numpy(dense(ROWS))
    )


def test_the_limit_is_no_weight_to_train(layer):
    assert [weight.name for weight in layer.trainable_weights] == ["kernel", "bias"]


def test_the_gradient_is_that_of_the_formula(layer):
    tf = pytest.importorskip("tensorflow")
    layer.bias.assign(np.zeros(3))
    for rows in (ROWS, np.zeros_like(ROWS)):  # also where a score is zero
        kernel = layer.get_weights()[0]
        with tf.GradientTape() as tape:
            total = tf.reduce_sum(layer(rows))
        slope = 1 / (1 + np.abs(rows @ kernel) / 8) ** 2
        found = tape.gradient(total, layer.kernel.value)
        np.testing.assert_allclose(found, rows.T @ slope, rtol=1e-3, atol=1e-4)


def test_weights_of_before_the_common_part_are_read(layer):
    """A store with the limit alone leaves the common part as it is."""
    store = {}
    layer.save_own_variables(store)
    kept = {k: v for k, v in store.items() if not k.startswith("familiarity")}
    fresh = LimitedDense(3)
    fresh.build((None, 4))
    fresh.load_own_variables(kept)
    assert fresh.inverse_limit == 0.125
    np.testing.assert_array_equal(fresh.kernel, layer.kernel)
    np.testing.assert_array_equal(ops.convert_to_numpy(fresh.familiarity), np.zeros(4))


def test_it_is_saved_with_all_its_weights(layer, tmp_path):
    image = keras.Input((4,))
    model = keras.Model(image, layer(image))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded.predict(ROWS, verbose=0), model.predict(ROWS, verbose=0))
    for found, expected in zip(loaded.layers[-1].weights, layer.weights, strict=True):
        np.testing.assert_array_equal(found, expected, err_msg=found.name)
    assert loaded.layers[-1].familiarity_bias == np.float32(0.7)


def test_a_dense_layer_becomes_one_without_a_limit():
    image = keras.Input((4,))
    dense = keras.layers.Dense(3, bias_initializer="normal", name="logits")
    dense(image)
    layer = LimitedDense.of(dense)
    assert layer.name == "logits"
    np.testing.assert_array_equal(layer(ROWS), dense(ROWS))


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_half_precision_stays_near(layer, policy):
    half = LimitedDense(3, dtype=policy)
    half.build((None, 4))
    half.assign(*layer.get_weights())
    found = ops.convert_to_numpy(ops.cast(half(ROWS), "float32"))
    np.testing.assert_allclose(found, ops.convert_to_numpy(layer(ROWS)), atol=0.1)
