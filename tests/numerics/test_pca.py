"""StreamingPCA against scikit-learn, exact and sketched."""

import numpy as np
import pytest
from sklearn.decomposition import PCA

from keras_crosspool.numerics.pca import StreamingPCA


def _rows(count=600, dims=40, offset=0.0, seed=0):
    """Rows whose variance falls by a factor from one direction to the next."""
    rng = np.random.default_rng(seed)
    rotation = np.linalg.qr(rng.normal(size=(dims, dims)))[0]
    return rng.normal(size=(count, dims)) * 20 * 0.8 ** np.arange(dims) @ rotation + offset


def _fit(rows, components, batches=1, **kwargs):
    pca = StreamingPCA(components, **kwargs)
    for batch in np.array_split(rows, batches):
        pca.update(batch)
    return pca.fit()


@pytest.mark.parametrize("offset", [0.0, 1000.0])
@pytest.mark.parametrize("batches", [1, 7, 600])
def test_exact_equals_scikit_learn(batches, offset):
    rows = _rows(offset=offset).astype("float32")
    mean, components, variances = _fit(rows, 6, batches)
    expected = PCA(6, svd_solver="full").fit(rows.astype("float64"))
    np.testing.assert_allclose(mean, expected.mean_, rtol=1e-5, atol=1e-4)
    np.testing.assert_allclose(variances, expected.explained_variance_, rtol=1e-3)
    np.testing.assert_allclose(np.abs(np.sum(components.T * expected.components_, axis=1)), 1, 1e-4)
    np.testing.assert_allclose(components.T @ components, np.eye(6), atol=1e-5)
    assert mean.dtype == components.dtype == variances.dtype == np.float32


@pytest.mark.parametrize("max_exact", [4096, 40])
@pytest.mark.parametrize("count", [10, 11, 30, 31])
def test_few_rows_of_many_dimensions(count, max_exact):
    """Both sides of the number of rows up to which they are kept as they are."""
    rows = _rows(count, 120, offset=5).astype("float32")
    mean, components, variances = _fit(rows, 6, 4, max_exact=max_exact, sketch_width=40)
    expected = PCA(6, svd_solver="full").fit(rows.astype("float64"))
    np.testing.assert_allclose(mean, expected.mean_, rtol=1e-5, atol=1e-4)
    kept = count <= (120 if max_exact > 120 else 40) // 4
    exact = kept or max_exact > 120
    np.testing.assert_allclose(variances, expected.explained_variance_, rtol=1e-3 if exact else 0.1)
    np.testing.assert_allclose(components.T @ components, np.eye(6), atol=1e-5)
    if exact:
        cosines = np.abs(np.sum(components.T * expected.components_, axis=1))
        np.testing.assert_allclose(cosines, 1, atol=1e-4)


def test_workers_with_few_rows_get_the_components_of_all(run_workers):
    rows = _rows(20, 120, offset=300.0)

    def work(distribution):
        pca = StreamingPCA(3)
        pca.update(rows[distribution.rank :: 2])
        pca.reduce(distribution.all_reduce)
        return pca.fit()

    expected = PCA(3, svd_solver="full").fit(rows)
    for mean, components, variances in run_workers(work, 2):
        np.testing.assert_allclose(mean, expected.mean_, rtol=1e-6)
        np.testing.assert_allclose(variances, expected.explained_variance_, rtol=1e-3)
        cosines = np.abs(np.sum(components.T * expected.components_, axis=1))
        np.testing.assert_allclose(cosines, 1, atol=1e-4)


@pytest.mark.parametrize("batches", [1, 5])
def test_sketch_comes_close_to_the_exact_components(batches):
    rows = _rows(dims=120, offset=5).astype("float32")
    mean, components, variances = _fit(rows, 5, batches, max_exact=40, sketch_width=40)
    expected = PCA(5, svd_solver="full").fit(rows.astype("float64"))
    np.testing.assert_allclose(mean, expected.mean_, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(variances, expected.explained_variance_, rtol=0.01)
    overlap = np.linalg.svd(expected.components_ @ components)[1]
    assert overlap.min() > 0.999
    np.testing.assert_allclose(components.T @ components, np.eye(5), atol=1e-4)


def test_default_sketch_keeps_nearly_all_that_the_best_components_keep():
    rows = _rows(dims=700, count=900).astype("float32")
    _, components, variances = _fit(rows, 30, max_exact=500)
    kept = np.var(rows @ components, axis=0, ddof=1).sum()
    best = PCA(30).fit(rows).explained_variance_.sum()
    assert kept > 0.999 * best
    assert (np.diff(variances) <= 0).all()


def test_rounding_leaves_the_signs_as_they_are():
    rows = _rows(dims=40, count=300)
    found = []
    for changed in (rows, rows * (1 + 1e-7 * np.random.default_rng(0).normal(size=rows.shape))):
        pca = StreamingPCA(8)
        pca.update(changed)
        found.append(pca.fit()[1])
    np.testing.assert_allclose(found[0], found[1], atol=1e-4)
    assert (found[0][np.abs(found[0]).argmax(axis=0), np.arange(8)] > 0).all()


def test_memory_above_the_exact_dimensions_is_that_of_the_sketch():
    pca = StreamingPCA(8, max_exact=100)
    for _ in range(5):
        pca.update(_rows(dims=2000, count=90))
        assert sum(map(len, pca._waiting)) < 256
    assert max(x.size for x in vars(pca).values() if isinstance(x, np.ndarray)) == 2000 * 256


@pytest.mark.parametrize("max_exact", [4096, 30])
@pytest.mark.parametrize("workers", [2, 3])
def test_workers_get_the_components_of_all_rows(run_workers, workers, max_exact):
    # Far from the origin and each worker's rows elsewhere, so that a wrong shift shows.
    rows = _rows(offset=300.0)
    rows[:200] += 50
    kwargs = {"max_exact": max_exact, "sketch_width": 20}
    cuts = [0, 150, 200, 600] if workers == 3 else [0, 200, 600]

    def work(distribution):
        pca = StreamingPCA(6, **kwargs)
        for batch in np.array_split(rows[slice(*cuts[distribution.rank :][:2])], 3):
            pca.update(batch)
        pca.reduce(distribution.all_reduce)
        assert pca.count == 600
        return pca.fit()

    mean, components, variances = _fit(rows, 6, 4, **kwargs)
    for found in run_workers(work, workers):
        np.testing.assert_allclose(found[0], mean, rtol=1e-6)
        np.testing.assert_allclose(np.abs(np.sum(found[1] * components, axis=0)), 1, atol=1e-4)
        np.testing.assert_allclose(found[2], variances, rtol=1e-4)
    if max_exact > 40:
        expected = PCA(6, svd_solver="full").fit(rows)
        np.testing.assert_allclose(variances, expected.explained_variance_, rtol=1e-3)


def test_sketch_is_seeded():
    rows = _rows(dims=60)
    first, second, other = (_fit(rows, 3, max_exact=10, sketch_width=12, seed=s) for s in (1, 1, 2))
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)
    assert not np.array_equal(first[1], other[1])


def test_sketch_is_used_only_above_the_exact_dimensions():
    rows = _rows(dims=40)
    for a, b in zip(_fit(rows, 3, max_exact=40), _fit(rows, 3), strict=True):
        np.testing.assert_array_equal(a, b)


def test_directions_without_variance_have_none():
    rows = _rows(dims=6)
    rows[:, 3:] = 7
    _, _, variances = _fit(rows, 5)
    assert (variances >= 0).all()
    assert (variances[3:] < 1e-4 * variances[0]).all()


@pytest.mark.parametrize(("count", "dims"), [(0, 0), (4, 10), (50, 3)])
def test_too_few_rows_or_dimensions_are_named(count, dims):
    pca = StreamingPCA(4)
    if count:
        pca.update(np.zeros((count, dims)))
    with pytest.raises(ValueError, match=rf"to 4 components .*Received: {count} rows of {dims} "):
        pca.fit()
