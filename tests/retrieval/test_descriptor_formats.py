"""Every format's cosine against scikit-learn's, on what the format keeps."""

import numpy as np
import pytest
from sklearn.metrics.pairwise import cosine_similarity

from keras_crosspool.retrieval import FORMATS, ternarize


@pytest.fixture(scope="module")
def descriptors():
    return np.random.default_rng(0).normal(size=(20, 640)).astype("float32")


KEPT = {
    "float32": lambda x: x,
    "float16": lambda x: x.astype("float16").astype("float64"),
    "packed": lambda x: ternarize(x).astype("float64"),
}


@pytest.mark.parametrize("name", FORMATS)
def test_cosine(name, descriptors):
    kept = FORMATS[name]
    rows = kept.encode(descriptors)
    expected = cosine_similarity(KEPT[name](descriptors))
    similar = kept.cosine(rows[:5], rows)
    assert similar.dtype == "float32"
    np.testing.assert_allclose(similar, expected[:5], atol=1e-6)


@pytest.mark.parametrize("name", FORMATS)
def test_cosine_of_rows_that_are_read_in_blocks(name):
    descriptors = np.random.default_rng(0).normal(size=(9, 100_000)).astype("float32")
    kept = FORMATS[name]
    rows = kept.encode(descriptors)
    expected = cosine_similarity(KEPT[name](descriptors).astype("float64"))
    np.testing.assert_allclose(kept.cosine(rows[7:], rows), expected[7:], atol=2e-5)


@pytest.mark.parametrize("name", FORMATS)
def test_nothing_is_similar_to_nothing(name, descriptors):
    kept = FORMATS[name]
    similar = kept.cosine(kept.encode(np.zeros((1, 640), "float32")), kept.encode(descriptors))
    np.testing.assert_array_equal(similar, np.zeros((1, 20)))


def test_sizes(descriptors):
    sizes = {name: kept.encode(descriptors).nbytes for name, kept in FORMATS.items()}
    assert sizes["float32"] == 2 * sizes["float16"] == 16 * sizes["packed"]
