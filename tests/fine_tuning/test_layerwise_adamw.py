"""LayerwiseAdamW against Adam's formula, computed by hand."""

import keras
import numpy as np
import pytest

from keras_crosspool.fine_tuning.layerwise_adamw import LayerwiseAdamW


def _layers(values):
    layers = [keras.layers.Dense(2, use_bias=False, name=name) for name in ("body", "logits")]
    for layer in layers:
        layer.build((None, 3))
        layer.set_weights([values])
    return layers


@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_steps_by_hand(decay):
    rng = np.random.default_rng(0)
    start, gradients = rng.normal(size=(3, 2)), rng.normal(size=(4, 3, 2))
    layers = _layers(start)
    optimizer = LayerwiseAdamW(0.05, multipliers={"logits": 0.2}, weight_decay=decay)
    variables = [layer.kernel for layer in layers]
    for gradient in gradients:
        optimizer.apply([keras.ops.convert_to_tensor(gradient, "float32")] * 2, variables)
    for layer, rate in zip(layers, (0.05, 0.05 * 0.2), strict=True):
        weights, first, second = start.copy(), 0, 0
        for step, gradient in enumerate(gradients, 1):
            weights -= decay * 0.05 * weights  # the decay keeps the common rate
            first = 0.9 * first + 0.1 * gradient
            second = 0.999 * second + 0.001 * gradient**2
            mean, square = first / (1 - 0.9**step), second / (1 - 0.999**step)
            weights -= rate * mean / (np.sqrt(square) + 1e-7)
        np.testing.assert_allclose(layer.get_weights()[0], weights, rtol=1e-4, atol=1e-5)


def test_a_layer_stays_as_it_is_until_it_starts():
    """Its moments are those of all steps, since the bias correction counts all of them."""
    rng = np.random.default_rng(0)
    start, gradients = rng.normal(size=(3, 2)), rng.normal(size=(5, 3, 2))
    layers = _layers(start)
    optimizer = LayerwiseAdamW(0.05, starts={"body": 2}, weight_decay=0.1)
    body, first, second = start.copy(), 0, 0
    for step, gradient in enumerate(gradients):
        optimizer.apply(
            [keras.ops.convert_to_tensor(gradient, "float32")] * 2,
            [layer.kernel for layer in layers],
        )
        first, second = 0.9 * first + 0.1 * gradient, 0.999 * second + 0.001 * gradient**2
        mean, square = first / (1 - 0.9 ** (step + 1)), second / (1 - 0.999 ** (step + 1))
        if step < 2:
            np.testing.assert_array_equal(layers[0].get_weights()[0], start.astype("float32"))
            continue
        body -= 0.1 * 0.05 * body
        body -= 0.05 * mean / (np.sqrt(square) + 1e-7)
        np.testing.assert_allclose(layers[0].get_weights()[0], body, rtol=1e-4, atol=1e-5)
    assert np.abs(layers[1].get_weights()[0] - body).max() > 0.01  # it began at once


def test_without_multipliers_it_is_adamw():
    gradient = keras.ops.convert_to_tensor(np.linspace(-1, 1, 6).reshape(3, 2), "float32")
    results = []
    for optimizer in (LayerwiseAdamW(0.01), keras.optimizers.AdamW(0.01)):
        layers = _layers(np.ones((3, 2)))
        optimizer.apply([gradient] * 2, [layer.kernel for layer in layers])
        results.append([layer.get_weights()[0] for layer in layers])
    np.testing.assert_array_equal(*results)


def test_finds_its_layers_in_a_functional_model():
    inputs = keras.Input((3,))
    body = keras.layers.Dense(3, kernel_initializer="ones", name="body")
    logits = keras.layers.Dense(1, kernel_initializer="ones", name="logits")
    model = keras.Model(inputs, logits(body(inputs)))
    rate = keras.optimizers.schedules.CosineDecay(0.1, 10)
    model.compile(LayerwiseAdamW(rate, multipliers={"logits": 0.01}, weight_decay=0.0), "mse")
    model.train_on_batch(np.ones((4, 3)), np.zeros((4, 1)))
    np.testing.assert_allclose(body.get_weights()[0], 1 - 0.1, rtol=1e-3)
    np.testing.assert_allclose(logits.get_weights()[0], 1 - 0.001, rtol=1e-4)


def test_config_round_trip():
    optimizer = LayerwiseAdamW(
        0.01,
        multipliers={"logits": 0.2},
        starts={"body": 7},
        weight_decay=0.3,
        global_clipnorm=2.0,
    )
    restored = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
    assert isinstance(restored, LayerwiseAdamW)
    assert restored.multipliers == {"logits": 0.2}
    assert restored.starts == {"body": 7}
    assert (restored.weight_decay, restored.global_clipnorm) == (0.3, 2.0)
