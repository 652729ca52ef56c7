"""What a classifier uses: against the singular value decomposition of the unfolded weights."""

import numpy as np

from keras_crosspool.numerics.kernel_directions import leading_features, leading_guidance

RNG = np.random.default_rng(0)


def test_features_are_the_left_singular_vectors():
    kernel = RNG.normal(size=(7, 5, 3)).astype("float32")
    unfolded = np.concatenate([*np.moveaxis(kernel, 0, -1).transpose(2, 0, 1)], axis=1)
    expected = np.linalg.svd(unfolded.astype("float64"))[0][:, :2]
    found = leading_features(kernel, 2)
    np.testing.assert_allclose(found @ found.T, expected @ expected.T, atol=1e-12)
    np.testing.assert_allclose(np.abs((found * expected).sum(0)), 1, atol=1e-12)  # in this order


def test_no_other_subspace_keeps_more_of_the_weights():
    kernel = RNG.normal(size=(6, 8, 4)) * np.linspace(1, 3, 8)[None, :, None]
    kept = np.square(np.einsum("kdc,de->kec", kernel, leading_features(kernel, 3))).sum()
    for _ in range(100):
        other = np.linalg.qr(RNG.normal(size=(8, 3)))[0]
        assert np.square(np.einsum("kdc,de->kec", kernel, other)).sum() < kept


def test_guidance_is_the_channels_of_most_squared_weight():
    kernel = RNG.normal(size=(6, 5, 3)).astype("float32")
    kernel[[1, 4]] *= 10
    kernel[2, 0, 0] = 100
    assert leading_guidance(kernel, 3).tolist() == [1, 2, 4]
    assert leading_guidance(kernel, 1).tolist() == [2]
