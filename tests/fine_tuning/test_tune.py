"""`keras_crosspool.tune`: the network learns, and the head is fitted to what it has become."""

import keras
import numpy as np
import pytest

from keras_crosspool import CrossPoolClassifier, tune
from keras_crosspool.closed_form.choice import Choice
from keras_crosspool.closed_form.region_branch import choice_when_tuned
from tests.striped_images import striped_images

SOLVER = {"mirror": False, "crop_scales": (1.0,), "batch_size": 8}
TUNING = {"epochs": 3, "learning_rate": 1e-2, "tuning_size": 32}


def _network():
    """Two maps of one size, from random filters."""
    keras.utils.set_random_seed(3)
    image = keras.Input((48, 48, 3))
    x = keras.layers.Rescaling(1 / 64, -2)(image)
    x = keras.layers.Conv2D(8, 5, 4, padding="same", activation="relu", name="low")(x)
    left = keras.layers.Conv2D(6, 3, padding="same", name="left")(x)
    right = keras.layers.Conv2D(12, 3, padding="same", activation="relu", name="right")(left)
    return keras.Model(image, right)


@pytest.fixture(scope="module")
def images():
    """Every fourth image is held out."""
    shown, labels = striped_images(96, 48)
    held_out = np.arange(96) % 4 == 0
    return shown[~held_out], labels[~held_out], shown[held_out], labels[held_out]


@pytest.fixture
def model():
    return CrossPoolClassifier.from_backbone(
        _network(), num_classes=3, feature_channels=5, window_size=1
    )


def test_the_head_is_that_of_the_tuned_network(model, images):
    shown, labels, *held_out = images
    report = model.solve(shown, labels, groups=None, **SOLVER)
    kernels = {name: np.array(model.get_layer(name).kernel) for name in ("low", "right")}
    validation = tuple(held_out)
    history = tune(
        model, shown, labels, report=report, validation_data=validation, **SOLVER, **TUNING
    )
    assert [len(values) for values in history.values()] == [3] * 4
    for name, before in kernels.items():
        assert np.abs(np.array(model.get_layer(name).kernel) - before).max() > 1e-3
    tuned = model.get_weights()
    # A fit of the tuned network from nothing has the same projection; its alpha is its own.
    model.solve(shown, labels, groups=None, **SOLVER)
    for ours, theirs, weight in zip(tuned, model.get_weights(), model.weights, strict=True):
        if not weight.path.startswith("logits"):
            np.testing.assert_allclose(ours, theirs, atol=1e-5, err_msg=weight.path)
    model.set_weights(tuned)
    rows = model.compute_descriptors(shown).astype("float64")
    centred = rows - rows.mean(axis=0)
    targets = np.eye(3)[labels] - np.eye(3)[labels].mean(axis=0)
    gram = centred @ centred.T + report.alpha * np.eye(len(rows))
    expected = centred.T @ np.linalg.solve(gram, targets) / report.choice.calibration.temperature
    np.testing.assert_allclose(
        model.classifier.kernel, expected, atol=2e-3 * np.abs(expected).max()
    )


def test_regions_stay_as_they_are(images, tmp_path):
    """`both`: windows of the tuned network beside the regions of the one before."""
    shown, labels = images[:2]
    options = {"feature_channels": 5, "window_size": 1, "region_size": 32, "region_stride": 16}
    model = CrossPoolClassifier.from_backbone(
        _network(), num_classes=3, scheme="both", grid_guidance_channels=4, **options
    )
    solver = SOLVER | {"guidance_epochs": 2, "cache_dir": str(tmp_path)}
    report = model.solve(shown, labels, groups=None, **solver)
    regions = model.branches[1]
    of_regions = [regions.grid, regions.projection, regions.guidance]
    before = [layer.get_weights() for layer in of_regions]
    low = np.array(model.get_layer("low").kernel)
    tune(model, shown, labels, report=report, **solver, **TUNING)
    assert np.abs(np.array(model.get_layer("low").kernel) - low).max() > 1e-3
    for layer, weights in zip(of_regions, before, strict=True):
        for old, new in zip(weights, layer.get_weights(), strict=True):
            np.testing.assert_array_equal(old, new, err_msg=layer.name)
    rows = model.compute_descriptors(shown).astype("float64")
    windows = model.branches[0].descriptor.shape[-1]
    of_grid = min(report.choice.weights[1] / report.choice.weights[0], 0.5)
    weights = np.where(np.arange(rows.shape[1]) < windows, 1, of_grid) / np.hypot(1, of_grid)
    scaled = (rows - rows.mean(axis=0)) * weights
    targets = np.eye(3)[labels] - np.eye(3)[labels].mean(axis=0)
    gram = scaled @ scaled.T + report.alpha * np.eye(len(rows))
    expected = weights[:, None] * (scaled.T @ np.linalg.solve(gram, targets))
    expected /= report.choice.calibration.temperature
    np.testing.assert_allclose(
        model.classifier.kernel, expected, atol=2e-3 * np.abs(expected).max()
    )


@pytest.mark.parametrize(("chosen", "kept"), [(2.0, 0.5), (0.25, 0.25)])
def test_a_grid_counts_half_at_most(new_model, chosen, kept):
    model = new_model("both", image_size=96, channels=8)
    choice = Choice((1.0, chosen), 0.1)
    found = choice_when_tuned(model, choice)
    assert found.weights[1] / found.weights[0] == pytest.approx(kept)
    assert np.square(found.weights).sum() == pytest.approx(1)
    assert found.alpha == 0.1
    assert choice_when_tuned(new_model(image_size=96, channels=8), choice) is choice


def test_it_repeats_itself(images):
    weights = []
    for _ in range(2):
        model = CrossPoolClassifier.from_backbone(
            _network(), num_classes=3, feature_channels=5, window_size=1
        )
        report = model.solve(*images[:2], groups=None, **SOLVER)
        tune(model, *images[:2], report=report, **SOLVER, **TUNING | {"epochs": 1})
        weights.append(model.get_weights())
    for first, second in zip(*weights, strict=True):
        np.testing.assert_array_equal(first, second)


def test_what_cannot_be_tuned_is_refused(model, images, monkeypatch):
    report = model.solve(*images[:2], groups=None, **SOLVER)
    with pytest.raises(ValueError, match=r"The options are .*tuning_size.*Received: size$"):
        tune(model, *images[:2], report=report, size=32)
    with pytest.raises(ValueError, match=r"Every image needs its label.*72 images and 71 labels"):
        tune(model, images[0], images[1][1:], report=report)
    monkeypatch.setattr(keras.config, "backend", lambda: "jax")
    with pytest.raises(ValueError, match=r"^Gradient accumulation .*runs under .*backend jax$"):
        tune(model, *images[:2], report=report, gradient_accumulation=2)
