"""Folders of descriptors that a spreadsheet or a disk has changed: right, or refused by name."""

import json
import re

import numpy as np
import pytest

from keras_crosspool.retrieval import open_descriptors
from keras_crosspool.retrieval.neighbours import nearest

COUNT, DIMS = 11, 20  # three shards of four, the last one not full


@pytest.fixture
def kept(store_of):
    """Random descriptors and the folder that holds them; the name of the i-th is photos/i.jpg."""
    descriptors = np.random.default_rng(0).normal(size=(COUNT, DIMS)).astype("float32")
    classes = [(f"class {i}",) for i in range(COUNT)]
    return descriptors, store_of(descriptors, "float32", classes).directory


def _change_lines(directory, change):
    path = directory / "index.csv"
    header, *lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join([header, *change(lines)]))


@pytest.mark.parametrize("order", ["by name", "backwards", "with a blank line"])
def test_the_order_of_the_lines_changes_nothing(kept, order, tried):
    descriptors, directory = kept
    changes = {
        "by name": sorted,  # as a spreadsheet does: 0, 1, 10, 2, ...
        "backwards": lambda lines: lines[::-1],
        "with a blank line": lambda lines: [*sorted(lines), "\n"],
    }
    _change_lines(directory, changes[order])
    store = open_descriptors(directory)
    for number, (first, *_) in enumerate(nearest(store, descriptors)):
        assert first.position == number
        assert first.entry.image == f"photos/{number}.jpg"
        assert first.entry.classes == (f"class {number}",)
    tried("tables", f"index.csv with its lines sorted {order}", "every neighbour has its own name")


INDEX_DAMAGES = {
    "a line twice": (
        lambda x: [*x[:-1], x[0]],
        r"two rows with the same image.*index\.csv, lines 2 and 12: photos/0\.jpg$",
    ),
    "a row twice": (
        lambda x: [x[0], x[1].replace(",0,1", ",0,0"), *x[2:]],
        r"shard 0, row 0 stands where shard 0, row 1 is",
    ),
    "a line of no shard": (
        lambda x: [*x[:-1], x[-1].replace(",2,2", ",3,0")],
        r"shard 3, row 0 stands where shard 2, row 2 is",
    ),
    "a negative row": (lambda x: [*x[:-1], x[-1].replace(",2,2", ",2,-2")], r"row -2 stands where"),
    "a line too few": (lambda x: x[1:], r"names 10 of 11 images"),
    "a row that is text": (
        lambda x: [x[0].replace(",0,0", ",0,one"), *x[1:]],
        r"invalid literal.*Received: .*index\.csv, line 2$",
    ),
    "a field too few": (
        lambda x: [*x[:3], "photos/3.jpg,class 3,0\n", *x[4:]],
        r"does not fit the header image,classes,shard,row: .*index\.csv, line 5, 3 fields",
    ),
    "a field of 200,000 characters": (
        lambda x: [x[0], "a" * 200_000 + x[1], *x[2:]],
        r"field larger than field limit.*index\.csv, line 3$",
    ),
}


@pytest.mark.parametrize("damage", INDEX_DAMAGES)
def test_a_damaged_index_is_refused(kept, damage, tried):
    change, words = INDEX_DAMAGES[damage]
    _change_lines(kept[1], change)
    with pytest.raises(ValueError, match=words) as error:
        open_descriptors(kept[1])
    tried("tables", f"index.csv with {damage}", error.value)


def test_an_index_of_other_bytes_is_refused(kept):
    (kept[1] / "index.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match=r"is not UTF-16 text.*Received: .*index\.csv, line"):
        open_descriptors(kept[1])


def _saved(rows):
    return lambda path: np.save(path, rows)


def _changed(change):
    return lambda path: path.write_bytes(change(path.read_bytes()))


_ROWS = np.zeros((4, DIMS), "float32")
SHARD_DAMAGES = {
    "of another length": (_saved(_ROWS[:3]), r"float32 \(4, 20\), found float32 \(3, 20\)"),
    "of other dims": (_saved(_ROWS[:, :5]), r"\(4, 20\), found float32 \(4, 5\)"),
    "of another type": (_saved(_ROWS.astype("float16")), r"float32 .* found float16"),
    "of bytes in another order": (_saved(_ROWS.astype(">f4")), r"float32 .* found >f4"),
    "stored by columns": (_saved(np.asfortranarray(_ROWS)), r"\(4, 20\) by columns"),
    "of Python objects": (_saved(_ROWS.astype(object)), r"damaged: .*Python objects"),
    "cut in half": (_changed(lambda x: x[: len(x) // 2]), r"mmap length"),
    "empty": (_changed(lambda x: b""), r"damaged: "),
    "with bytes behind": (_changed(lambda x: x + b"more"), r"and 4 bytes behind"),
    "of text": (_changed(lambda x: b"descriptors" * 30), r"magic string"),
    "with a broken header": (_changed(lambda x: x.replace(b"descr", b"\x00escr")), r"damaged: "),
    "of a huge shape": (
        _changed(lambda x: x.replace(b"(4, 20), }      ", b"(4, 20000000), }")),
        r"damaged: .*mmap",
    ),
}


@pytest.mark.parametrize("damage", SHARD_DAMAGES)
def test_a_damaged_shard_is_refused(kept, damage, tried):
    descriptors, directory = kept
    change, words = SHARD_DAMAGES[damage]
    change(directory / "descriptors-00001.npy")
    with pytest.raises(ValueError, match=words) as error:
        nearest(open_descriptors(directory), descriptors)
    assert str(error.value).endswith("descriptors-00001.npy")
    tried("descriptors", f"a shard {damage}", error.value)


@pytest.mark.parametrize("format", ["float32", "float16"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_refused(store_of, format, value, tried):
    descriptors = np.random.default_rng(1).normal(size=(COUNT, DIMS)).astype("float32")
    store = store_of(descriptors, format, [("pear",)] * COUNT)
    path = store.directory / "descriptors-00002.npy"
    rows = np.load(path)
    rows[1, 7] = value
    np.save(path, rows)
    with pytest.raises(ValueError, match=r"not all .* finite.*Received: .*00002\.npy$") as error:
        nearest(store, descriptors[:2])
    tried("descriptors", f"a {format} shard with {value}", error.value)


def test_a_value_too_large_for_the_length_is_refused(kept):
    descriptors, directory = kept
    path = directory / "descriptors-00000.npy"
    rows = np.load(path)
    rows[0, 0] = 1e30  # its square is no float32
    np.save(path, rows)
    with pytest.raises(ValueError, match="finite"):
        nearest(open_descriptors(directory), descriptors)


RECORD_DAMAGES = {
    "a list": ([], r"it must be an object, not a list"),
    "images as text": ({"images": "many"}, r'images must be a whole number, not "many"'),
    "no images": ({"images": 0}, r"images must be a whole number of at least 1, not 0"),
    "images without end": ({"images": 10**18, "shard_size": 1}, r"9{15}\d+ of 10{18} shards"),
    "shards of no size": ({"shard_size": 0}, r"shard_size must be a whole number of at least 1"),
    "a shard size of true": ({"shard_size": True}, r"shard_size must be a whole number, not true"),
    "an unknown format": ({"format": "int4"}, r"format must be one of float32.*not \"int4\""),
    "dims without end": ({"dims": 10**15}, r"dims must be a whole number from 1 to 2\^24"),
    "a field more": ({"colour": 1}, r"it has the unknown colour"),
}


@pytest.mark.parametrize("damage", RECORD_DAMAGES)
def test_a_damaged_record_is_refused(kept, damage, tried):
    change, words = RECORD_DAMAGES[damage]
    path = kept[1] / "descriptors.json"
    fields = json.loads(path.read_text())
    path.write_text(json.dumps(fields | change if change else change))
    with pytest.raises(ValueError, match=words) as error:
        open_descriptors(kept[1])
    assert re.search(r"Received: .*float32(/descriptors\.json)?$", str(error.value))
    tried("descriptors", f"descriptors.json with {damage}", error.value)
