"""`keras_crosspool.compress`: a shorter descriptor that keeps what the classifier uses."""

import keras
import numpy as np
import pytest
from scipy.special import softmax

import keras_crosspool
from keras_crosspool import CrossPoolClassifier, compress
from keras_crosspool.closed_form.classifier import cross_validation_folds
from keras_crosspool.closed_form.methods import METHODS
from keras_crosspool.numerics.ridge import fit_ridge
from tests.striped_images import striped_images

OPTIONS = {"mirror": False, "crop_scales": (1.0,), "batch_size": 8}


def _network():
    """Two maps of one size, from random filters."""
    keras.utils.set_random_seed(5)
    image = keras.Input((32, 32, 3))
    x = keras.layers.Rescaling(1 / 64, -2)(image)
    x = keras.layers.Conv2D(6, 5, 4, padding="same", activation="relu", name="low")(x)
    x = keras.layers.Conv2D(9, 3, padding="same", activation="relu", name="high")(x)
    return keras.Model(image, x)


def _model(**options):
    return CrossPoolClassifier.from_backbone(
        _network(), num_classes=3, **{"feature_channels": 5, "guidance_channels": 7} | options
    )


@pytest.fixture(scope="module")
def images():
    return striped_images(60, 32)


def _compressed(model, images, **channels):
    report = model.solve(*images, groups=None, **OPTIONS)
    return report, compress(model, *images, report=report, groups=None, **OPTIONS, **channels)


@pytest.mark.parametrize("own", [{}, {"guidance_channels": 9}, {"window_size": 1}])
def test_pooled_sums_are_those_of_the_model_projected(images, own):
    """`U^T (A^T X)` of the chosen channels, with `U` and channels by the SVD of the weights."""
    model = _model(**own)
    _, small = _compressed(model, images, feature_channels=2, guidance_channels=3)
    branch, short = model.branches[0], small.branches[0]
    kernel = np.asarray(model.classifier.kernel, "float64").reshape(-1, 5, 3)
    vectors = np.linalg.svd(np.moveaxis(kernel, 1, 0).reshape(5, -1))[0][:, :2]
    kept = sorted(np.argsort(-np.square(kernel).sum((1, 2)))[:3])
    pixels = images[0][:4].astype("float32")
    features, guidance = _maps(model, branch.pooled, pixels)
    short_features, short_guidance = _maps(small, short.pooled, pixels)
    np.testing.assert_allclose(short_guidance, guidance[..., kept], atol=1e-5)
    signs = np.sign((features @ vectors * short_features).sum((0, 1, 2)))
    np.testing.assert_allclose(short_features, features @ (vectors * signs), atol=1e-4)
    assert small.descriptor.shape == (None, 6)


def _maps(model, maps, pixels):
    return [np.asarray(x) for x in keras.Model(model.inputs[0], list(maps))(pixels)]


def test_the_classifier_is_the_ridge_of_the_short_descriptors(images):
    model = _model()
    report = model.solve(*images, groups=None, **OPTIONS)
    before = model.get_weights()
    channels = {"feature_channels": 2, "guidance_channels": 3}
    small = compress(model, *images, report=report, groups=None, **OPTIONS, **channels)
    rows = small.compute_descriptors(images[0]).astype("float64")
    centred = rows - rows.mean(axis=0)
    targets = np.eye(3)[images[1]]
    alpha = _best_alpha(rows, images[1])
    assert alpha != report.alpha  # what suits the long descriptor does not suit the short one
    gram = centred @ centred.T + alpha * np.eye(len(rows))
    duals = np.linalg.solve(gram, targets - targets.mean(axis=0))
    expected = centred.T @ duals / report.choice.calibration.temperature
    np.testing.assert_allclose(
        small.classifier.kernel, expected, atol=2e-3 * np.abs(expected).max()
    )
    for weight, after in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(after, weight)


def _best_alpha(rows, labels):
    """The alpha of least log loss on held-out rows, each at its best temperature."""
    folds, losses = cross_validation_folds(labels), {}
    for alpha in METHODS["ridge"].alphas:
        scores = np.empty((len(rows), 3))
        for fold in np.unique(folds):
            out = folds == fold
            dual_coef, bias = fit_ridge(rows[~out] @ rows[~out].T, np.eye(3)[labels[~out]], alpha)
            scores[out] = rows[out] @ rows[~out].T @ dual_coef + bias
        losses[alpha] = min(
            -np.log(softmax(scores / t, axis=1)[np.arange(len(rows)), labels]).mean()
            for t in np.geomspace(1e-3, 10, 2000)
        )
    return min(losses, key=losses.get)


def test_it_keeps_more_than_principal_components(images):
    """Directions of much variance and no use for the classes come first in a PCA."""
    shown, labels = images
    held_out = np.arange(60) % 4 == 0
    train, test = (shown[~held_out], labels[~held_out]), (shown[held_out], labels[held_out])
    _, small = _compressed(_model(), train, feature_channels=2, guidance_channels=2)
    plain = _model(feature_channels=2, guidance_channels=2)
    plain.solve(*train, groups=None, **OPTIONS)
    right = [(m.predict(test[0], verbose=0).argmax(1) == test[1]).mean() for m in (small, plain)]
    assert right[0] > right[1]


def test_it_is_saved_and_loaded(images, tmp_path):
    _, small = _compressed(_model(), images, feature_channels=2, guidance_channels=3)
    small.save(tmp_path / "small.keras")
    loaded = keras.saving.load_model(tmp_path / "small.keras")
    pixels = images[0][:5]
    np.testing.assert_allclose(
        loaded.predict(pixels, verbose=0), small.predict(pixels, verbose=0), atol=1e-6
    )
    assert loaded.branches[0].selection.filters == 3


def test_all_channels_may_be_kept(images):
    model = _model(guidance_channels=9)
    assert model.branches[0].selection is None
    _, small = _compressed(model, images, feature_channels=5, guidance_channels=9)
    assert small.branches[0].selection is None
    assert small.descriptor.shape == model.descriptor.shape


@pytest.mark.parametrize("channels", [{"feature_channels": 6}, {"guidance_channels": 0}])
def test_more_channels_than_there_are_are_refused(images, channels):
    wanted = {"feature_channels": 2, "guidance_channels": 2} | channels
    with pytest.raises(ValueError, match="pools 5 feature channels with 7 guidance channels"):
        _compressed(_model(), images, **wanted)


@pytest.mark.parametrize("name", ["feature_channels", "guidance_channels"])
def test_channels_are_whole_numbers(images, name):
    wanted = {"feature_channels": 2, "guidance_channels": 2} | {name: 2.5}
    with pytest.raises(ValueError, match=rf"whole number\. Received: {name}=2.5"):
        _compressed(_model(), images, **wanted)


def test_other_schemes_are_refused(images):
    model = _model(scheme="global_average")
    with pytest.raises(ValueError, match="Received: a model of AverageBranch"):
        _compressed(model, images)


def test_it_is_public():
    assert keras_crosspool.compress is compress
