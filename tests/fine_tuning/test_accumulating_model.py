"""A batch in parts gives the step of the whole batch."""

import keras
import numpy as np
import pytest

from keras_crosspool.fine_tuning.accumulating_model import AccumulatingModel
from keras_crosspool.models.policy import with_policy


@pytest.fixture(scope="module")
def batches():
    rng = np.random.default_rng(0)
    images = rng.uniform(0, 255, (24, 16, 16, 3)).astype("float32")
    labels = np.eye(3, dtype="float32")[rng.integers(0, 3, 24)]
    weights = rng.uniform(0.5, 2, 24).astype("float32")
    weights[10:12] = 0  # a batch that was filled up
    return images, labels, weights


def _fit(network, batches, parts, optimizer):
    copy = keras.models.clone_model(network)
    copy.set_weights(network.get_weights())
    model = AccumulatingModel(copy.input, copy.output)
    model.gradient_accumulation = parts
    model.get_layer("first_norm").trainable = False  # its statistics would be of a part
    model.compile(
        optimizer,
        keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1),
        weighted_metrics=[keras.metrics.CategoricalAccuracy(name="accuracy")],
    )
    images, labels, weights = batches
    history = model.fit(
        images,
        labels,
        sample_weight=weights,
        batch_size=12,
        epochs=3,
        shuffle=False,
        verbose=0,
    )
    return model, history.history


@pytest.mark.parametrize("parts", [2, 3, 12])
def test_parts_make_the_same_steps(tiny_network, batches, parts):
    network = tiny_network()
    whole, expected = _fit(network, batches, 1, keras.optimizers.SGD(0.1, momentum=0.9))
    divided, history = _fit(network, batches, parts, keras.optimizers.SGD(0.1, momentum=0.9))
    assert int(divided.optimizer.iterations) == 6
    for a, b, before in zip(divided.weights, whole.weights, network.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)
        assert "norm" in a.path or not a.trainable or np.abs(b.numpy() - before).max() > 1e-3
    for name in ("loss", "accuracy"):
        np.testing.assert_allclose(history[name], expected[name], rtol=1e-5)


def test_the_logged_loss_is_that_of_the_formula(tiny_network, batches):
    """Of the first epoch's first step, before any weight has moved."""
    network = tiny_network()
    images, labels, weights = (values[:12] for values in batches)
    _, history = _fit(network, (images, labels, weights), 3, keras.optimizers.SGD(0.1))
    logits = network.predict(images, verbose=0).astype("float64")
    log_softmax = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    losses = -((0.9 * labels + 0.1 / 3) * log_softmax).sum(axis=1)
    assert history["loss"][0] == pytest.approx((losses * weights).mean(), rel=1e-4)


def test_with_a_scaled_loss(tiny_network, batches):
    """Half precision: the steps are those of whole batches but for rounding."""
    network = tiny_network()
    changes = []
    for parts in (1, 3):
        inner = keras.optimizers.SGD(0.01)
        scaled = keras.optimizers.LossScaleOptimizer(inner, initial_scale=2.0**10)
        model, _ = _fit(with_policy(network, "mixed_float16"), batches, parts, scaled)
        assert int(inner.iterations) == 6
        flat = zip(model.weights, network.get_weights(), strict=True)
        changes.append(np.concatenate([(a.numpy() - b).ravel() for a, b in flat]))
    assert np.abs(changes[0]).max() > 1e-3
    np.testing.assert_allclose(changes[1], changes[0], atol=0.05 * np.abs(changes[0]).max())
