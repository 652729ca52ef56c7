"""Packed descriptors: bits by hand, sizes, and dot products against whole numbers."""

import numpy as np
import pytest

from keras_crosspool.retrieval import pack, packed_dot, packing, unpack

DIMS = (1, 63, 64, 65, 1000, 4096)


def _ternary(rows, dims, seed=0):
    return np.random.default_rng(seed).integers(-1, 2, (rows, dims)).astype("int8")


@pytest.mark.parametrize("dims", DIMS)
def test_comes_back(dims):
    ternary = _ternary(9, dims)
    packed = pack(ternary)
    assert packed.shape == (9, 2, -(-dims // 64))
    assert unpack(packed, dims).dtype == "int8"
    np.testing.assert_array_equal(unpack(packed, dims), ternary)


def test_every_bit_stands_where_it_is_said_to():
    ternary = _ternary(3, 150)
    for row, (nonzero, negative) in zip(ternary, pack(ternary), strict=True):
        for place in range(192):
            value = row[place] if place < 150 else 0
            word, bit = divmod(place, 64)
            assert (int(nonzero[word]) >> bit & 1, int(negative[word]) >> bit & 1) == (
                value != 0,
                value < 0,
            )


def test_a_sixteenth_of_float32():
    ternary = _ternary(7, 4096)
    assert 16 * pack(ternary).nbytes == ternary.astype("float32").nbytes


@pytest.mark.parametrize("dims", DIMS)
@pytest.mark.parametrize("block_words", [1, 1 << 15])
def test_dot_products_are_exact(dims, block_words, monkeypatch, tmp_path):
    monkeypatch.setattr(packing, "_BLOCK_WORDS", block_words)
    queries, rows = _ternary(4, dims, seed=1), _ternary(30, dims, seed=2)
    expected = queries.astype(object) @ rows.astype(object).T
    products = packed_dot(pack(queries), pack(rows))
    assert products.dtype == "int64"
    np.testing.assert_array_equal(products, expected)
    np.save(tmp_path / "rows.npy", pack(rows))
    mapped = np.load(tmp_path / "rows.npy", mmap_mode="r")
    np.testing.assert_array_equal(packed_dot(pack(queries), mapped), expected)


@pytest.mark.parametrize("sign", [1, -1])
def test_no_count_overflows(sign):
    ones = np.ones((1, 200_000), "int8")
    assert packed_dot(pack(ones), pack(sign * ones)).item() == sign * 200_000


def test_other_values_are_refused():
    with pytest.raises(ValueError, match=r"-1, 0 and \+1"):
        pack(np.array([[0, 2]]))


def test_fractions_are_refused():
    with pytest.raises(ValueError, match=r"Received: float64 from 0\.0 to 0\.5"):
        pack(np.array([[0, 0.5]]))
