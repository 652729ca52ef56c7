"""CovariancePooling and MatrixRootPooling against eigenvalues, singular values and the paper."""

import numpy as np
import pytest
import scipy.linalg
from keras import ops

from keras_crosspool import CovariancePooling, CrossLayerPooling, MatrixRootPooling
from keras_crosspool.layers.matrix_roots import inverse_root
from tests.second_order_layers import random_maps

_BARE = {"signed_square_root": False, "l2_normalization": False}


def _covariances(maps):
    return [np.cov(x.reshape(-1, x.shape[-1]).T.astype("float64"), bias=True) for x in maps]


def _upper(matrices):
    return np.array([m[np.triu_indices(len(m))] for m in matrices])


def test_covariance_root_is_the_matrix_square_root():
    (maps,) = random_maps((5,), (3, 6, 6))
    expected = _upper([scipy.linalg.sqrtm(c) for c in _covariances(maps)])
    found = ops.convert_to_numpy(CovariancePooling(iterations=12)(maps))
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)


def _newton_schulz(covariance, iterations):
    """The paper's section 3.2, equations 5 to 7, as they stand there."""
    trace, identity = np.trace(covariance), np.eye(len(covariance))
    y, z = covariance / trace, identity
    for _ in range(iterations):
        y, z = y @ (3 * identity - z @ y) / 2, (3 * identity - z @ y) @ z / 2
    return np.sqrt(trace) * y


@pytest.mark.parametrize("iterations", [1, 3, 5])
def test_iterations_are_those_of_the_paper(iterations):
    (maps,) = random_maps((7,), (2, 4, 4))
    maps[..., 1:3] *= 0.03  # directions that so few iterations leave too small
    expected = _upper([_newton_schulz(c, iterations) for c in _covariances(maps)])
    found = ops.convert_to_numpy(CovariancePooling(iterations)(maps))
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-5)
    exact = _upper([scipy.linalg.sqrtm(c) for c in _covariances(maps)])
    assert np.abs(exact - expected).max() > 1e-3


def test_covariance_does_not_see_the_mean():
    (maps,) = random_maps((4,))
    layer = CovariancePooling()
    found, moved = (ops.convert_to_numpy(layer(x)) for x in (maps, maps + 3))
    np.testing.assert_allclose(found, moved, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("scale", [1e-2, 1.0, 1e3])
@pytest.mark.parametrize("channels", [(5, 3), (3, 5), (4,)])
def test_matrix_root_takes_the_roots_of_the_singular_values(channels, scale):
    maps = [scale * x for x in random_maps(channels, (3, 6, 6))]
    found = ops.convert_to_numpy(MatrixRootPooling(14, **_BARE)(maps))
    for b in range(3):
        sums = np.einsum("hwk,hwd->kd", maps[-1][b].astype("float64"), maps[0][b])
        left, singular, right = np.linalg.svd(sums, full_matrices=False)
        assert singular[-1] > 0.02 * np.linalg.norm(sums)
        expected = (left * np.sqrt(singular)) @ right
        np.testing.assert_allclose(found[b].reshape(expected.shape), expected, rtol=2e-3,
                                   atol=2e-3 * scale)  # fmt: skip


def test_root_and_norm_follow_the_matrix_root():
    maps = random_maps((5, 3))
    root = ops.convert_to_numpy(MatrixRootPooling(**_BARE)(maps)).astype("float64")
    expected = np.sign(root) * np.sqrt(np.abs(root))
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    found = ops.convert_to_numpy(MatrixRootPooling()(maps))
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3)


def test_sums_of_one_singular_value_are_those_of_cross_layer_pooling():
    maps = random_maps((5, 3), (2, 1, 1))
    plain = ops.convert_to_numpy(CrossLayerPooling()(maps))
    np.testing.assert_allclose(
        ops.convert_to_numpy(MatrixRootPooling()(maps)), plain, rtol=1e-3, atol=1e-3
    )


@pytest.mark.parametrize(("power", "steps"), [(2, 5), (2, 10), (4, 5), (4, 10), (4, 16)])
def test_what_is_said_of_small_eigenvalues(power, steps):
    border = (power / (power + 1)) ** (power * steps)
    spectrum = np.array([0.0, border / 100, 3 * border, 0.1, 0.5])
    found = ops.convert_to_numpy(
        inverse_root(np.diag(spectrum).astype("float32")[None], power, steps)
    )[0].diagonal()
    most = ((power + 1) / power) ** steps
    assert (found <= most * (1 + 1e-6)).all()
    np.testing.assert_allclose(found[0], most, rtol=1e-6)
    kept = spectrum[2:] >= 3 * border
    exact = spectrum[2:] ** (-1 / power)
    np.testing.assert_allclose(found[2:][kept], exact[kept], rtol=0.1)


def test_float32_stays_exact_where_most_singular_values_are_zero():
    """Two positions of 64 channels have at most two, and one without their mean."""
    (maps,) = random_maps((64,), (2, 1, 2))
    rows = maps[:, 0].astype("float64")
    sums = np.einsum("bik,bid->bkd", rows, rows)
    roots = np.array([_square_root(x) for x in sums])
    found = ops.convert_to_numpy(MatrixRootPooling(16, **_BARE)([maps]))
    np.testing.assert_allclose(found, roots.reshape(2, -1), atol=1e-3 * roots.max())
    roots = _upper([_square_root(c) for c in _covariances(maps)])
    found = ops.convert_to_numpy(CovariancePooling(16)(maps))
    np.testing.assert_allclose(found, roots, atol=1e-3 * roots.max())


def _square_root(matrix):
    """By eigenvalues, of which some are zero."""
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
