"""The optimizer of fine-tuning: which layer learns how fast, and from when on."""

import dataclasses
import types

import keras
import numpy as np
import pytest

from keras_crosspool.config.fine_tuning_config import FineTuningConfig
from keras_crosspool.fine_tuning.layerwise_adamw import LayerwiseAdamW
from keras_crosspool.fine_tuning.optimizer import backbone_depths, make_optimizer

WHOLE, HEAD = (types.SimpleNamespace(epochs=4, frozen=frozen) for frozen in (False, True))
OPTIONS = FineTuningConfig(epochs=4)


@pytest.fixture(scope="module")
def model(new_model):
    return new_model("scheme2", image_size=96)


def _optimizer(model, phase=WHOLE, steps=10, **options):
    return make_optimizer(model, phase, steps, dataclasses.replace(OPTIONS, **options))


def test_depths_fall_from_the_first_layer_to_the_last(model):
    depths = backbone_depths(model)
    network = model.get_layer("region_grid").network
    weighted = [layer.name for layer in network.layers if layer.weights]
    assert list(depths) == weighted
    assert (weighted[0], weighted[-1]) == ("stem_conv", "head_bn")
    np.testing.assert_allclose(list(depths.values()), np.linspace(1, 0, len(weighted)))


def test_rates_grow_by_equal_factors(model):
    optimizer = _optimizer(model, first_layer_rate=0.01, classifier_rate=0.3)
    factors = np.array([optimizer.multipliers[name] for name in backbone_depths(model)])
    assert (factors[0], factors[-1]) == pytest.approx((0.01, 1))
    np.testing.assert_allclose(factors[1:] / factors[:-1], 0.01 ** (-1 / (len(factors) - 1)))
    assert optimizer.multipliers["logits"] == 0.3
    # They reach the weights of the network within the grid.
    variables = model.trainable_variables
    optimizer.build(variables)
    by_path = dict(zip((v.path for v in variables), optimizer._factors, strict=True))
    assert by_path["stem_conv/kernel"] == pytest.approx(0.01)
    assert by_path["logits/bias"] == 0.3
    assert by_path["grid_guidance/kernel"] == 1


def test_layers_join_one_after_the_other_the_last_first(model):
    starts = _optimizer(model, unfreeze_epochs=3).starts
    steps = [starts[name] for name in backbone_depths(model)]
    assert (steps[0], steps[-1]) == (30, 0)
    assert steps == sorted(steps, reverse=True)
    assert "logits" not in starts
    assert set(_optimizer(model).starts.values()) == {0}
    head = _optimizer(model, HEAD, unfreeze_epochs=3, first_layer_rate=0.1)
    assert (head.starts, list(head.multipliers)) == ({}, ["logits"])


def test_the_rate_rises_for_half_an_epoch_and_decays_to_zero(model):
    rate = _optimizer(model, learning_rate=0.2, batch_size=64, rate_batch_size=32)._learning_rate
    rates = [float(rate(step)) for step in range(41)]
    # 40 steps, of which five rise from a tenth; twice the batch has twice the rate.
    np.testing.assert_allclose(rates[:6], np.linspace(0.04, 0.4, 6), rtol=1e-5)
    cosine = 0.2 * (1 + np.cos(np.pi * np.arange(36) / 35))
    np.testing.assert_allclose(rates[5:], cosine, atol=1e-6)


def test_half_precision_scales_the_loss(model):
    scaled = _optimizer(model, precision="mixed_float16", ema_momentum=0.9, clip_norm=1.0)
    assert isinstance(scaled, keras.optimizers.LossScaleOptimizer)
    assert isinstance(scaled.inner_optimizer, LayerwiseAdamW)
    assert (scaled.inner_optimizer.use_ema, scaled.inner_optimizer.ema_momentum) == (True, 0.9)
    assert scaled.inner_optimizer.global_clipnorm == 1
    assert not _optimizer(model, precision="mixed_bfloat16").use_ema


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"first_layer_rate": 1.5}, r"`first_layer_rate` must be at most 1\. Received: 1\.5"),
        ({"classifier_rate": -0.1}, r"`classifier_rate` must be at least 0\. Received: -0\.1"),
        ({"ema_momentum": 1.0}, r"`ema_momentum` must be below 1\.0\. Received: 1\.0"),
        ({"ema_momentum": 0.0}, r"`ema_momentum` must be above 0\.0\. Received: 0\.0"),
        ({"unfreeze_epochs": 5}, r"unfreeze_epochs=5 of epochs=4"),
    ],
)
def test_bad_options_are_named(model, options, words):
    with pytest.raises(ValueError, match=words):
        _optimizer(model, **options)
