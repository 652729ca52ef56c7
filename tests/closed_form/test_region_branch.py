"""Scheme 2 fitted on region grids: projection, trained guidance, and honest cross-validation."""

import keras
import numpy as np
import pytest
from sklearn.decomposition import PCA

from keras_crosspool.closed_form.classifier import cross_validation_folds
from keras_crosspool.closed_form.guidance import train_guidance
from keras_crosspool.closed_form.region_branch import fit_regions
from keras_crosspool.closed_form.region_grids import load_region_grids
from keras_crosspool.config.guidance_config import GuidanceConfig
from keras_crosspool.data import load_images
from keras_crosspool.graphs import graph_outputs
from keras_crosspool.targets import SINGLE_LABEL

OPTIONS = GuidanceConfig(guidance_epochs=3, batch_size=6)


@pytest.fixture(scope="module")
def fitted(new_model, train_split, tmp_path_factory):
    """A model of scheme 2, its grids, the guidance before training, and what the fit gave."""
    keras.utils.set_random_seed(0)
    model = new_model("scheme2")
    grids = load_region_grids(model, train_split, 128, cache_dir=tmp_path_factory.mktemp("grids"))
    first = model.get_layer("grid_guidance").get_weights()
    return model, grids, first, fit_regions(model, grids, train_split, OPTIONS)["grid_pooling"]


def _features(model, grids):
    return np.asarray(model.get_layer("grid_regions")(np.asarray(grids, "float32")))


def test_projection_is_the_pca_of_all_regions(fitted):
    model, grids, *_ = fitted
    regions = np.asarray(grids, "float32").reshape(-1, 1280)
    expected = PCA(16, svd_solver="full").fit_transform(regions)
    actual = _features(model, grids).reshape(-1, 16)
    signs = np.sign(np.sum(actual * expected, axis=0))
    scale = np.abs(expected).max()
    np.testing.assert_allclose((actual * signs)[:, :8], expected[:, :8], atol=1e-2 * scale)


def test_descriptors_are_the_models(fitted, train_split):
    model, _, _, branch = fitted
    images, _ = load_images(train_split, 128)
    extractor = keras.Model(model.input, model.descriptor)
    expected = extractor.predict(images.astype("float32"), verbose=0)
    # From grids kept in half precision.
    np.testing.assert_allclose(branch.descriptors, expected, atol=5e-3)


def test_each_folds_guidance_never_saw_its_labels(fitted, train_split, pool_by_loops):
    """The inner products of a fold, made anew by training without it."""
    model, grids, first, branch = fitted
    _, labels = load_images(train_split, 128)
    folds = cross_validation_folds(labels)
    assert sorted(branch.fold_grams) == sorted(np.unique(folds))
    features, rest = _features(model, grids), folds != 1
    guidance = keras.layers.Conv2D(16, 3, padding="same", activation="relu")
    guidance.build(features.shape)
    guidance.set_weights(first)
    targets = np.eye(3, dtype="float32")[labels]
    train_guidance(guidance, features[rest], targets[rest], SINGLE_LABEL.loss(), OPTIONS)
    descriptors = pool_by_loops(features, np.asarray(guidance(features)))
    derived = descriptors @ descriptors.T
    np.testing.assert_allclose(branch.fold_grams[1], derived, rtol=1e-2, atol=2e-3)
    # Training with the fold's labels would end elsewhere.
    assert np.abs(branch.gram() - derived).max() > 3 * np.abs(branch.fold_grams[1] - derived).max()


def test_what_learnt_nothing_is_judged_by_itself(fitted, train_split):
    """The regions' average beside a trained guidance keeps its own inner products in every fold."""
    model, grids, *_ = fitted
    average = model.baseline()
    together = model.on_branches([*average.branches, *model.branches], "together")
    branches = fit_regions(together, grids, train_split, OPTIONS)
    assert branches["grid_pooling"].fold_grams
    means = np.asarray(grids, "float32").mean(axis=(1, 2))
    rooted = np.sqrt(means)  # activations are not negative
    rooted /= np.linalg.norm(rooted, axis=1, keepdims=True)
    gram = branches["region_average_norm"].gram(fold=1)
    np.testing.assert_allclose(gram, rooted @ rooted.T, rtol=1e-2, atol=1e-2)


def test_the_guidance_learns_where_to_look():
    """One position of each map holds the class; the other positions hold noise of the same size."""
    rng = np.random.default_rng(0)
    features = rng.normal(size=(120, 4, 4, 8)).astype("float32") * 30
    labels = np.arange(120) % 3
    positions = rng.integers(0, 4, (120, 2))
    features[np.arange(120), positions[:, 0], positions[:, 1]] = 200 * np.eye(8)[labels]
    keras.utils.set_random_seed(0)
    layer = keras.layers.Conv2D(32, 1, activation="relu")  # four find every class by luck alone
    options = GuidanceConfig(guidance_epochs=40, guidance_rate=3e-3)
    targets = np.eye(3, dtype="float32")[labels]
    history = train_guidance(layer, features, targets, SINGLE_LABEL.loss(), options)
    assert history["loss"][-1] < 0.5 * history["loss"][0]
    # On features as they are, not scaled, the strongest response lies at the position of the class.
    response = np.asarray(layer(features)).max(axis=3).reshape(120, -1).argmax(axis=1)
    assert (response == positions[:, 0] * 4 + positions[:, 1]).mean() > 0.9


def test_a_diverging_guidance_stops():
    features = np.full((8, 2, 2, 3), 1e3, "float32") * np.random.default_rng(0).normal(
        size=(8, 2, 2, 3)
    ).astype("float32")
    features[0, 0, 0, 0] = np.inf
    with np.errstate(invalid="ignore"), pytest.raises(FloatingPointError, match="guidance_rate"):
        train_guidance(
            keras.layers.Conv2D(2, 1),
            features,
            np.eye(2, dtype="float32")[[0, 1] * 4],
            SINGLE_LABEL.loss(),
            OPTIONS,
        )


def test_selected_guidance_is_the_most_active_channels(backbone, train_split, tmp_path):
    from keras_crosspool import build_model

    model = build_model(
        backbone,
        3,
        "scheme2",
        feature_channels=4,
        region_size=64,
        region_stride=32,
        region_mode="shared",
        grid_guidance="selected",
        grid_guidance_channels=5,
    )
    grids = load_region_grids(model, train_split, 128, cache_dir=tmp_path)
    branch = fit_regions(model, grids, train_split, OPTIONS)["grid_pooling"]
    assert branch.fold_grams == {}  # no label was used
    activity = np.asarray(grids, "float32").mean(axis=(0, 1, 2))
    kept = model.get_layer("grid_guidance").get_weights()[0][0, 0].argmax(axis=0)
    assert kept.tolist() == np.sort(np.argsort(activity)[-5:]).tolist()
    assert graph_outputs(model)["grid_guidance"].shape == (None, 3, 3, 5)
