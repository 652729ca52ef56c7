"""Nearest neighbours across shards against scikit-learn's, and the vote."""

import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from keras_crosspool.retrieval import FORMATS, nearest, ternarize
from keras_crosspool.retrieval.neighbours import vote


@pytest.fixture(scope="module")
def descriptors():
    return np.random.default_rng(0).normal(size=(11, 320)).astype("float32")


@pytest.mark.parametrize("shard_size", [1, 4, 11, 20])
@pytest.mark.parametrize("name", FORMATS)
def test_the_nearest_of_all_shards(store_of, descriptors, name, shard_size):
    store = store_of(descriptors, name, [(f"class {i}",) for i in range(11)], shard_size)
    queries = np.random.default_rng(1).normal(size=(3, 320)).astype("float32")
    kept = ternarize if name == "packed" else np.asarray
    reference = NearestNeighbors(n_neighbors=5, metric="cosine").fit(kept(descriptors))
    distances, places = reference.kneighbors(kept(queries))
    for found, distance, place in zip(nearest(store, queries, 5), distances, places, strict=True):
        similarities = [neighbour.similarity for neighbour in found]
        np.testing.assert_allclose(similarities, 1 - distance, atol=1e-4)
        if name != "packed":  # whose whole numbers tie
            assert [neighbour.position for neighbour in found] == place.tolist()
        for neighbour in found:
            assert neighbour.entry.image == f"photos/{neighbour.position}.jpg"
            assert neighbour.entry.classes == (f"class {neighbour.position}",)
            assert (neighbour.entry.shard, neighbour.entry.row) == divmod(
                neighbour.position, shard_size
            )


@pytest.mark.parametrize("name", FORMATS)
def test_the_earlier_of_equal_ones_comes_first(store_of, descriptors, name):
    same = np.repeat(descriptors[:2], 5, axis=0)
    store = store_of(same, name, [("a",)] * 10)
    (found,) = nearest(store, descriptors[1:2], 99)
    assert [neighbour.position for neighbour in found] == [5, 6, 7, 8, 9, 0, 1, 2, 3, 4]


def test_every_label_of_a_neighbour_votes(store_of):
    store = store_of(
        np.array([[1, 0], [0.8, 0.6], [0, 1]], "float32"), "float32", [("a", "b"), ("b",), ()]
    )
    (found,) = nearest(store, np.array([[1, 0]], "float32"))
    assert [(v.class_name, v.votes) for v in vote(found)] == [("b", 2), ("a", 1)]
    assert [v.similarity for v in vote(found)] == pytest.approx([0.9, 1.0])
