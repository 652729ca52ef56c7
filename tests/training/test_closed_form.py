"""The closed-form fit on real pictures, step by step against explicit computations."""

import keras
import numpy as np
import pytest
from keras import ops
from sklearn.decomposition import PCA
from sklearn.linear_model import Ridge

from keras_crosspool import build_model
from keras_crosspool.data import load_pictures
from keras_crosspool.evaluation import predict_logits
from keras_crosspool.models.zoo import descriptor_of
from keras_crosspool.training.closed_form import adapt_head, describe, solve_models
from keras_crosspool.training.views import Views


@pytest.fixture(scope="module")
def adapted(new_model, train_split):
    model = new_model()
    adapt_head(model, train_split, 128, batch_size=7)
    return model


def _output(model, tensor, pictures):
    return ops.convert_to_numpy(keras.Model(model.input, tensor)(pictures.astype("float32")))


def test_regions_are_the_principal_components_of_the_windows(
    adapted, train_split, windows_by_loops
):
    pictures, _ = load_pictures(train_split, 128)
    regions = adapted.get_layer("regions")
    windows = windows_by_loops(_output(adapted, regions.input, pictures), 3, 3)
    pca = PCA(16, svd_solver="full").fit(windows)
    kernel, bias = regions.get_weights()
    kernel = kernel.reshape(-1, 16)
    cosines = np.abs(np.sum(kernel * pca.components_.T, axis=0))
    # The last components lie close together, so that rounding may turn them into one another.
    np.testing.assert_allclose(cosines[:8], 1, atol=1e-3)
    np.testing.assert_allclose(bias, -windows.mean(axis=0) @ kernel, rtol=1e-3, atol=1e-3)
    projected = _output(adapted, regions.output, pictures).reshape(-1, 16)
    np.testing.assert_allclose(projected.var(axis=0, ddof=1), pca.explained_variance_, rtol=1e-2)


def test_guidance_keeps_the_most_active_channels(adapted, train_split):
    pictures, _ = load_pictures(train_split, 128)
    selection = adapted.get_layer("guidance")
    maps = _output(adapted, selection.input, pictures)
    activity = np.abs(maps).mean(axis=(0, 1, 2))
    expected = np.sort(np.argsort(activity)[-32:])
    kept = selection.get_weights()[0][0, 0].argmax(axis=0)
    assert kept.tolist() == expected.tolist()


@pytest.mark.parametrize("views", [Views(), Views((1.0, 0.7), mirror=True)])
def test_describe(adapted, train_split, views):
    described = describe([adapted], train_split, 128, 7, views)
    rows = described.branches["pooling"].descriptors
    assert rows.shape == (18 * views.count, 16 * 32)
    assert rows.dtype == np.float32
    # Whatever the order, each picture has one row a view, with its label.
    np.testing.assert_array_equal(np.bincount(described.groups), [views.count] * 18)
    pictures, labels = load_pictures(train_split, 128)
    np.testing.assert_array_equal(described.labels, labels[described.groups])
    shown = np.concatenate([shown for shown, *_ in views.batches(train_split, 128, 7)])
    expected = _output(adapted, descriptor_of(adapted), shown)
    np.testing.assert_allclose(rows, expected, rtol=1e-2, atol=1e-3)
    whole = _output(adapted, descriptor_of(adapted), pictures)
    np.testing.assert_allclose(rows[:7], whole[:7], rtol=1e-2, atol=1e-3)


def test_describe_several_models_in_one_pass(train_split, backbone):
    arguments = {"window_size": 1, "feature_channels": 4, "guidance_channels": 8}
    models = [build_model(backbone, 3, **arguments), build_model(backbone, 3, "global_average")]
    together = describe(models, train_split, 128)
    for name, model in zip(("pooling", "average_norm"), models, strict=True):
        alone = describe([model], train_split, 128).branches[name]
        rows = together.branches[name].descriptors
        np.testing.assert_allclose(rows, alone.descriptors, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("method", ["ridge", "svm"])
def test_solved_classifier_beats_chance_on_unseen_pictures(
    adapted, train_split, test_split, method
):
    described = describe([adapted], train_split, 128, views=Views(mirror=True))
    (classifier,) = solve_models([adapted], described, method)
    logits, labels = predict_logits(adapted, test_split, 128)
    assert (logits.argmax(axis=1) == labels).mean() > 0.8  # three easy classes; chance is 1/3
    kernel, bias = adapted.get_layer("logits").get_weights()
    np.testing.assert_array_equal(kernel, classifier.kernel)
    np.testing.assert_array_equal(bias, classifier.bias)


def test_logits_are_the_ridge_solution_on_the_descriptors(adapted, train_split):
    described = describe([adapted], train_split, 128)
    (classifier,) = solve_models([adapted], described)
    rows = described.branches["pooling"].descriptors
    ridge = Ridge(alpha=classifier.strength).fit(rows, np.eye(3)[described.labels])
    logits, _ = predict_logits(adapted, train_split, 128)
    expected = ridge.predict(rows) / classifier.temperature
    np.testing.assert_allclose(logits, expected, rtol=1e-2, atol=1e-2)


def test_a_model_without_regions_is_left_as_it_is(new_model, train_split):
    model = new_model("global_average")
    before = model.get_weights()
    adapt_head(model, train_split, 128)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
