"""Fine-tuning: what it moves, what it must not move, and that it gets somewhere."""

import keras
import numpy as np
import pytest
from scipy.special import log_softmax

from keras_crosspool import build_model
from keras_crosspool.backbones import create_backbone
from keras_crosspool.closed_form.fit import adapt_head, compute_descriptors, solve_models
from keras_crosspool.config.fine_tuning_config import FineTuningConfig
from keras_crosspool.evaluation import predict_logits
from keras_crosspool.fine_tuning.fine_tune import fine_tune


def _solved(model, split):
    size = model.input_shape[1]
    adapt_head(model, split, size)
    solve_models([model], compute_descriptors([model], split, size))
    return model, model.get_weights()


@pytest.fixture(scope="module")
def solved(new_model, train_split):
    """A solved model and its weights."""
    return _solved(new_model(image_size=96, channels=8), train_split)


@pytest.fixture(scope="module")
def plain(train_split):
    """A solved model of few layers and its weights, to which each test goes back."""
    backbone = create_backbone("VGG16", 64, weights="none")
    model = build_model(backbone, 3, feature_channels=8, guidance_channels=16)
    return _solved(model, train_split)


def _tune(solved, split, validation=None, **options):
    model, weights = solved
    model.set_weights(weights)
    options = {"batch_size": 6, "label_smoothing": 0.0} | options
    size = model.input_shape[1]
    history, _ = fine_tune(model, split, validation, size, FineTuningConfig(**options))
    return model, history


def _changes(model, weights):
    """Layer name to the largest change of its weights."""
    before = dict(zip((w.path for w in model.weights), weights, strict=True))
    return {
        layer.name: max(np.abs(w.numpy() - before[w.path]).max() for w in layer.weights)
        for layer in model.layers
        if layer.weights
    }


def _cross_entropy(model, split):
    """The mean cross-entropy of the images of a split, not augmented."""
    logits, labels = predict_logits(model, split, model.input_shape[1])
    return -log_softmax(logits, axis=1)[np.arange(len(labels)), labels].mean()


def test_whole_network(solved, train_split):
    model, weights = solved
    model.set_weights(weights)
    before = _cross_entropy(model, train_split)
    # At larger rates rounding decides whether the loss falls.
    options = {"learning_rate": 1e-4, "classifier_rate": 0.5}
    _, history = _tune(solved, train_split, epochs=4, **options)
    assert {name: len(values) for name, values in history.items()} == {"loss": 4, "accuracy": 4}
    assert _cross_entropy(model, train_split) < 0.8 * before
    changes = _changes(model, solved[1])
    norms = {x.name for x in model.layers if isinstance(x, keras.layers.BatchNormalization)}
    assert all(changes[name] == 0 for name in norms)
    others = set(changes) - norms
    assert others > {"regions", "guidance", "logits", "stem_conv", "head_conv"}
    assert all(changes[name] > 0 for name in others)


def test_frozen_epochs_tune_the_head_alone_and_slowly_the_classifier(plain, train_split):
    model, history = _tune(
        plain, train_split, epochs=0, frozen_epochs=2, learning_rate=1e-3, classifier_rate=0.01
    )
    assert len(history["loss"]) == 2
    assert "val_loss" not in history
    changes = _changes(model, plain[1])
    assert {name for name, change in changes.items() if change} == {"regions", "guidance", "logits"}
    # Six steps of Adam, none longer than the rate, which for the classifier is a hundredth; the
    # decay of a fiftieth has the common rate.
    decay = 6e-3 * 0.02 * max(np.abs(weight).max() for weight in plain[1])
    assert 1e-4 < changes["regions"] < 6.1e-3 + decay
    assert 1e-6 < changes["logits"] < 6.1e-5 + decay


def test_equal_seeds_give_equal_weights(plain, train_split):
    weights = []
    for seed in (1, 1, 2):
        model, _ = _tune(plain, train_split, epochs=0, frozen_epochs=3, seed=seed)
        weights.append(
            np.concatenate([w.ravel() for w in model.get_layer("regions").get_weights()])
        )
    np.testing.assert_array_equal(weights[0], weights[1])
    assert not np.array_equal(weights[0], weights[2])


def test_stops_early_and_keeps_the_best_epoch(plain, train_split, test_split):
    model, history = _tune(
        plain, train_split, test_split, epochs=0, frozen_epochs=9, patience=2, learning_rate=3e-2
    )
    assert set(history) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    accuracies = history["val_accuracy"]
    best = int(np.argmax(accuracies))
    assert len(accuracies) == min(9, best + 3)
    logits, labels = predict_logits(model, test_split, 64)
    assert (logits.argmax(axis=1) == labels).mean() == pytest.approx(accuracies[best])


def test_without_patience_every_epoch_is_trained_and_the_last_is_kept(
    plain, train_split, test_split
):
    model, history = _tune(
        plain, train_split, test_split, epochs=0, frozen_epochs=4, learning_rate=3e-2
    )
    accuracies = history["val_accuracy"]
    assert len(accuracies) == 4
    logits, labels = predict_logits(model, test_split, 64)
    assert (logits.argmax(axis=1) == labels).mean() == pytest.approx(accuracies[-1])


def test_divergence_is_said(plain, train_split):
    with pytest.raises(FloatingPointError, match=r"smaller `learning_rate`.*learning_rate=1e\+30"):
        _tune(plain, train_split, epochs=0, frozen_epochs=2, learning_rate=1e30)
