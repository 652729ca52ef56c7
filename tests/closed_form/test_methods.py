"""Ridge and SVM on the Gram matrix against scikit-learn on the descriptors themselves."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge, RidgeClassifier
from sklearn.multiclass import OneVsRestClassifier
from sklearn.svm import SVC, LinearSVC

from keras_crosspool.closed_form.methods import fit_ridge, fit_svm


def _data(count=60, dims=25, classes=4, offset=3.0, seed=0, balanced=True):
    """Noisy clusters far from the origin, so that a wrong bias shows."""
    rng = np.random.default_rng(seed)
    shares = None if balanced else [0.7, 0.2, 0.07, 0.03]
    labels = np.concatenate([np.arange(classes), rng.choice(classes, count - classes, p=shares)])
    centres = rng.normal(size=(classes, dims))
    return centres[labels] + rng.normal(size=(count, dims)) + offset, labels


def _linear(fit, descriptors, labels, classes, alpha):
    dual_coef, bias = fit(descriptors @ descriptors.T, np.eye(classes)[labels], alpha)
    return descriptors.T @ dual_coef, bias


@pytest.mark.parametrize("balanced", [True, False])
@pytest.mark.parametrize(("count", "dims"), [(60, 25), (40, 300)])
@pytest.mark.parametrize("alpha", [1e-2, 1.0, 30.0])
def test_ridge_equals_scikit_learn(alpha, count, dims, balanced):
    descriptors, labels = _data(count, dims, balanced=balanced)
    kernel, bias = _linear(fit_ridge, descriptors, labels, 4, alpha)
    expected = Ridge(alpha=alpha).fit(descriptors, np.eye(4)[labels])
    np.testing.assert_allclose(kernel, expected.coef_.T, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(bias, expected.intercept_, rtol=1e-6, atol=1e-9)
    # The classifier's own targets are +1 and -1, so its scores are twice as far apart.
    decision = RidgeClassifier(alpha=alpha).fit(descriptors, labels).decision_function
    unseen = _data(count, dims, seed=1)[0]
    np.testing.assert_allclose(2 * (unseen @ kernel + bias) - 1, decision(unseen), atol=1e-6)


def test_ridge_bias_is_not_penalised():
    descriptors, labels = _data(offset=1000)
    kernel, bias = _linear(fit_ridge, descriptors, labels, 4, 1.0)
    centred, centred_bias = _linear(fit_ridge, descriptors - 1000, labels, 4, 1.0)
    np.testing.assert_allclose(kernel, centred, rtol=1e-4, atol=1e-7)
    np.testing.assert_allclose(
        descriptors @ kernel + bias, (descriptors - 1000) @ centred + centred_bias, atol=1e-4
    )
    # With an unpenalised bias the mean score is the share of the class.
    shares = np.bincount(labels) / len(labels)
    np.testing.assert_allclose((descriptors @ kernel + bias).mean(axis=0), shares, atol=1e-4)


@pytest.mark.parametrize("balanced", [True, False])
@pytest.mark.parametrize("alpha", [0.01, 1.0, 100.0])
def test_svm_equals_scikit_learn_one_vs_rest(alpha, balanced):
    descriptors, labels = _data(balanced=balanced)
    kernel, bias = _linear(fit_svm, descriptors, labels, 4, alpha)
    machine = OneVsRestClassifier(SVC(C=alpha, kernel="linear", tol=1e-6))
    decision = machine.fit(descriptors, labels).decision_function(descriptors)
    np.testing.assert_allclose(descriptors @ kernel + bias, decision, atol=5e-3)


def test_svm_decides_as_a_linear_machine():
    # LinearSVC penalises its bias, as one more feature; a large constant makes that negligible.
    descriptors, labels = _data(offset=0)
    kernel, bias = _linear(fit_svm, descriptors, labels, 4, 0.1)
    machine = LinearSVC(C=0.1, loss="hinge", intercept_scaling=100, max_iter=200_000, tol=1e-6)
    expected = machine.fit(descriptors, labels)
    np.testing.assert_allclose(kernel, expected.coef_.T, atol=5e-3)
    np.testing.assert_allclose(bias, expected.intercept_, atol=2e-2)


@pytest.mark.parametrize("fit", [fit_ridge, fit_svm])
def test_a_class_without_images_is_never_chosen(fit):
    descriptors, labels = _data()
    kernel, bias = _linear(fit, descriptors, np.where(labels == 3, 4, labels), 5, 1.0)
    scores = descriptors @ kernel + bias
    assert np.isfinite(scores).all()
    assert (scores.argmax(axis=1) != 3).all()
    assert (scores[:, 3] < scores.max(axis=1) - 0.1).all()


@pytest.mark.parametrize("fit", [fit_ridge, fit_svm])
def test_one_class_alone_always_wins(fit):
    # What is left of a tiny data set when a fold is held out.
    descriptors, _ = _data()
    kernel, bias = _linear(fit, descriptors, np.full(60, 2), 4, 1.0)
    assert ((descriptors @ kernel + bias).argmax(axis=1) == 2).all()
