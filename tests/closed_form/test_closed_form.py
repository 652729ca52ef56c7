"""The closed-form fit on real images, step by step against explicit computations."""

import dataclasses
import subprocess
import sys
import tempfile

import keras
import numpy as np
import pytest
from keras import ops
from sklearn.decomposition import PCA
from sklearn.linear_model import Ridge

from keras_crosspool import build_model
from keras_crosspool.closed_form.branch import Branch
from keras_crosspool.closed_form.fit import adapt_head, compute_descriptors, solve_models
from keras_crosspool.closed_form.options import SolverOptions
from keras_crosspool.closed_form.views import Views
from keras_crosspool.data import load_images
from keras_crosspool.distribution import Distribution
from keras_crosspool.distribution.launcher import free_ports
from keras_crosspool.evaluation import predict_logits
from keras_crosspool.models.average_branch import AverageBranch
from keras_crosspool.numerics.projection import project
from tests.common_part import common_part

WORKER = """
import sys, numpy as np
from keras_crosspool.distribution import create_distribution
workers, index, data, form, output = sys.argv[1:]
one = create_distribution("multi_worker", workers.split(","), int(index))
from keras_crosspool import build_model
from keras_crosspool.backbones import create_backbone
from keras_crosspool.data import open_split
from keras_crosspool.closed_form.options import SolverOptions
from keras_crosspool.closed_form.fit import adapt_head, compute_descriptors, solve_models
split = open_split(data, "train")
with one.scope():
    model = build_model(
        create_backbone("EfficientNetLite0", 128),
        3,
        window_size=1,
        feature_channels=16,
        guidance_channels=32,
    )
adapt_head(model, split, 128, 4, one)
solver = SolverOptions(form=form)
computed = compute_descriptors([model], split, 128, 4, solver=solver, distribution=one)
solve_models([model], computed)
names = ["regions", "guidance", "logits"]
np.savez(output, *[x for name in names for x in model.get_layer(name).get_weights()])
"""


class _Part(Distribution):
    """One worker by itself: what it would hear from the others is left out."""

    def all_gather(self, rows):
        return np.asarray(rows)


@pytest.fixture(scope="module")
def adapted(new_model, train_split):
    model = new_model()
    adapt_head(model, train_split, 128, batch_size=7)
    return model


def _output(model, tensor, images):
    return ops.convert_to_numpy(keras.Model(model.input, tensor)(images.astype("float32")))


def test_regions_are_the_principal_components_of_the_windows(
    adapted, train_split, windows_by_loops
):
    images, _ = load_images(train_split, 128)
    regions = adapted.get_layer("regions")
    windows = windows_by_loops(_output(adapted, regions.input, images), 3, 3)
    pca = PCA(16, svd_solver="full").fit(windows)
    kernel, bias = regions.get_weights()
    kernel = kernel.reshape(-1, 16)
    cosines = np.abs(np.sum(kernel * pca.components_.T, axis=0))
    # The last components lie close together, so that rounding may turn them into one another.
    np.testing.assert_allclose(cosines[:8], 1, atol=1e-3)
    np.testing.assert_allclose(bias, -windows.mean(axis=0) @ kernel, rtol=1e-3, atol=1e-3)
    projected = _output(adapted, regions.output, images).reshape(-1, 16)
    np.testing.assert_allclose(projected.var(axis=0, ddof=1), pca.explained_variance_, rtol=1e-2)


def test_guidance_keeps_the_most_active_channels(adapted, train_split):
    images, _ = load_images(train_split, 128)
    selection = adapted.get_layer("guidance")
    maps = _output(adapted, selection.input, images)
    activity = np.abs(maps).mean(axis=(0, 1, 2))
    expected = np.sort(np.argsort(activity)[-32:])
    kept = selection.get_weights()[0][0, 0].argmax(axis=0)
    assert kept.tolist() == expected.tolist()


@pytest.mark.parametrize("views", [Views(), Views((1.0, 0.7), mirror=True)])
def test_descriptors(adapted, train_split, views):
    computed = compute_descriptors([adapted], train_split, 128, 7, views)
    rows = computed.branches["pooling"].descriptors
    assert rows.shape == (18 * views.count, 16 * 32)
    assert rows.dtype == np.float32
    # Whatever the order, each image has one row a view, with its label.
    np.testing.assert_array_equal(np.bincount(computed.groups), [views.count] * 18)
    images, labels = load_images(train_split, 128)
    np.testing.assert_array_equal(computed.labels, labels[computed.groups])
    shown = np.concatenate([shown for shown, *_ in views.batches(train_split, 128, 7)])
    expected = _output(adapted, adapted.descriptor, shown)
    np.testing.assert_allclose(rows, expected, rtol=1e-2, atol=1e-3)
    whole = _output(adapted, adapted.descriptor, images)
    np.testing.assert_allclose(rows[:7], whole[:7], rtol=1e-2, atol=1e-3)


def test_descriptors_of_several_models_in_one_pass(train_split, backbone):
    arguments = {"window_size": 1, "feature_channels": 4, "guidance_channels": 8}
    models = [build_model(backbone, 3, **arguments), build_model(backbone, 3, "global_average")]
    together = compute_descriptors(models, train_split, 128)
    for name, model in zip(("pooling", "average_norm"), models, strict=True):
        alone = compute_descriptors([model], train_split, 128).branches[name]
        rows = together.branches[name].descriptors
        np.testing.assert_allclose(rows, alone.descriptors, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("method", ["ridge", "svm"])
def test_solved_classifier_beats_chance_on_unseen_images(adapted, train_split, test_split, method):
    computed = compute_descriptors([adapted], train_split, 128, views=Views(mirror=True))
    (classifier,) = solve_models([adapted], computed, method)
    logits, labels = predict_logits(adapted, test_split, 128)
    assert (logits.argmax(axis=1) == labels).mean() > 0.8  # three easy classes; chance is 1/3
    layer = adapted.get_layer("logits")
    np.testing.assert_array_equal(layer.kernel, classifier.kernel)
    np.testing.assert_array_equal(layer.bias, classifier.bias)
    assert layer.inverse_limit == np.float32(classifier.calibration.inverse_limit)
    np.testing.assert_array_equal(layer.familiarity, classifier.familiarity)
    assert layer.familiarity_bias == np.float32(classifier.familiarity_bias)


def test_logits_are_the_ridge_solution_on_the_descriptors(adapted, train_split):
    computed = compute_descriptors([adapted], train_split, 128)
    (classifier,) = solve_models([adapted], computed)
    rows = computed.branches["pooling"].descriptors
    ridge = Ridge(alpha=classifier.alpha).fit(rows, np.eye(3)[computed.labels])
    logits, _ = predict_logits(adapted, train_split, 128)
    expected = classifier.calibration.logits(ridge.predict(rows))
    expected += common_part(rows, rows, computed.labels, computed.groups)
    np.testing.assert_allclose(logits, expected, rtol=1e-2, atol=1e-2)


def test_a_model_without_regions_is_left_as_it_is(new_model, train_split):
    model = new_model("global_average")
    before = model.get_weights()
    adapt_head(model, train_split, 128)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def _solve(model, split, form, projected_dims=256, **kwargs):
    solver = SolverOptions(form=form, projected_dims=projected_dims)
    computed = compute_descriptors([model], split, 128, solver=solver, **kwargs)
    (classifier,) = solve_models([model], computed)
    return computed, classifier


def test_streamed_forms_solve_as_the_gram_matrix_does(adapted, train_split, test_split):
    logits = {}
    for form in ("gram", "primal", "projected"):
        computed, classifier = _solve(adapted, train_split, form, views=Views(mirror=True))
        logits[form], labels = predict_logits(adapted, test_split, 128)
        assert computed.form == form
        assert (logits[form].argmax(axis=1) == labels).mean() > 0.8
        assert classifier.kernel.shape == (512, 3)
    np.testing.assert_allclose(logits["primal"], logits["gram"], rtol=1e-3, atol=1e-3)
    # The projection keeps the order of things, not the figures.
    correlation = np.corrcoef(logits["projected"].ravel(), logits["gram"].ravel())[0, 1]
    assert 0.9 < correlation < 0.99999


def test_projected_kernel_scores_images_as_their_projections(adapted, train_split):
    computed, classifier = _solve(adapted, train_split, "projected")
    (branch,) = computed.branches.values()
    assert branch.descriptors.shape == (18, 256)
    ridge = Ridge(alpha=classifier.alpha).fit(branch.descriptors, np.eye(3)[computed.labels])
    logits, _ = predict_logits(adapted, train_split, 128)
    rows = branch.descriptors
    expected = classifier.calibration.logits(ridge.predict(rows))
    expected += common_part(rows, rows, computed.labels, computed.groups)
    np.testing.assert_allclose(logits, expected, rtol=1e-2, atol=1e-2)


def test_streamed_descriptors_lie_in_a_file_that_leaves_nothing(
    adapted, train_split, tmp_path, monkeypatch
):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    computed, _ = _solve(adapted, train_split, "primal")
    expected, _ = _solve(adapted, train_split, "gram")
    rows = computed.branches["pooling"].descriptors
    assert isinstance(rows, np.memmap)
    assert not isinstance(expected.branches["pooling"].descriptors, np.memmap)
    np.testing.assert_array_equal(rows, expected.branches["pooling"].descriptors)
    assert not list(tmp_path.iterdir())


@pytest.fixture(scope="module")
def joint(adapted):
    """A model of the windows' branch and one by the name of a branch on regions, 32 values."""
    averaged = AverageBranch.build(adapted.branches[0].pooled[1], grid=adapted.branches[0])
    return adapted.on_branches([*adapted.branches, averaged], "joint")


def test_branches_on_regions_are_streamed_beside_the_others(joint, train_split):
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(3, 32))[train_split.labels] + rng.normal(size=(18, 32))
    rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype("float32")
    regions, views = {"region_average_norm": Branch(rows)}, Views(mirror=True)
    computed, solved = _solve(joint, train_split, "projected", 16, regions=regions, views=views)
    branches = [computed.branches[branch.name] for branch in joint.branches]
    projected = [branch.take(slice(None)) for branch in branches]
    assert [part.shape for part in projected] == [(36, 16), (36, 16)]
    expected = project(rows[computed.groups], branches[1].projection)
    np.testing.assert_allclose(projected[1], expected, rtol=1e-4, atol=1e-5)
    scale = np.repeat(solved.weights, 16)
    ridge = Ridge(alpha=solved.alpha)
    ridge.fit(scale * np.concatenate(projected, axis=1), np.eye(3)[computed.labels])
    kernels = np.split(scale[:, None] * ridge.coef_.T / solved.calibration.temperature, 2)
    kernels = [x.projection.T @ kernel for x, kernel in zip(branches, kernels, strict=True)]
    expected = np.concatenate(kernels)
    np.testing.assert_allclose(solved.kernel, expected, rtol=1e-3, atol=1e-3)
    assert expected.shape == (512 + 32, 3)


def test_fitted_guidance_needs_the_gram_matrix(joint, train_split):
    branch = Branch(np.ones((18, 32), "float32"), fold_grams={0: np.eye(18)})
    regions, solver = {"region_average_norm": branch}, SolverOptions(form="primal")
    with pytest.raises(ValueError, match=r"take the form gram\. Received: form='primal'"):
        compute_descriptors([joint], train_split, 128, regions=regions, solver=solver)


@pytest.mark.heavy
def test_workers_take_a_part_each(adapted, train_split):
    train_split = dataclasses.replace(train_split, groups=())
    whole = compute_descriptors([adapted], train_split, 128)
    parts = [
        compute_descriptors(
            [adapted], train_split, 128, batch_size=4, distribution=_Part(None, 2, worker, "part")
        )
        for worker in range(2)
    ]
    for field in ("labels", "groups"):
        joined = np.concatenate([getattr(part, field) for part in parts])
        np.testing.assert_array_equal(joined, getattr(whole, field))
    rows = np.concatenate([part.branches["pooling"].descriptors for part in parts])
    np.testing.assert_allclose(rows, whole.branches["pooling"].descriptors, rtol=1e-3, atol=1e-4)


def test_more_workers_than_images_are_named(adapted, train_split):
    part = _Part(None, 19, 0, "part")
    for run in (
        compute_descriptors,
        lambda models, *args, **kw: adapt_head(models[0], *args, **kw),
    ):
        with pytest.raises(ValueError, match=r"Received: 18 images, 19 workers"):
            run([adapted], train_split, 128, distribution=part)


@pytest.mark.heavy
def test_two_workers_fit_what_one_does(tiny_folder, train_split, backbone, tmp_path):
    model = build_model(backbone, 3, window_size=1, feature_channels=16, guidance_channels=32)
    adapt_head(model, train_split, 128, 4)
    solve_models([model], compute_descriptors([model], train_split, 128, 4))
    names = ("regions", "guidance", "logits")
    expected = [x for name in names for x in model.get_layer(name).get_weights()]
    workers = ",".join(f"127.0.0.1:{port}" for port in free_ports(2))
    outputs = [tmp_path / f"{index}.npz" for index in range(2)]
    running = [
        subprocess.Popen(
            [sys.executable, "-c", WORKER, workers, str(i), tiny_folder, "primal", output],
            stderr=subprocess.PIPE,
            text=True,
        )
        for i, output in enumerate(outputs)
    ]
    for process in running:
        _, words = process.communicate(timeout=300)
        assert process.returncode == 0, words
    for output in outputs:
        with np.load(output) as found:
            for actual, weights in zip(found.values(), expected, strict=True):
                scale = np.abs(weights).max() or 1.0  # no limit is 0
                np.testing.assert_allclose(actual / scale, weights / scale, atol=1e-3)


def test_one_process_adds_up_with_nobody(new_model, train_split, monkeypatch):
    """The principal components of few rows are found from the rows, which a sum would prevent."""
    from keras_crosspool.numerics.pca import StreamingPCA

    def refuse(*_):
        raise AssertionError("one process has nobody to add up with")

    monkeypatch.setattr(StreamingPCA, "reduce", refuse)
    adapt_head(new_model(), train_split, 128)
