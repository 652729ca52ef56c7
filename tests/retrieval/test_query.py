"""Queries: a described picture finds itself, and the contact sheet shows what was found."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from keras_crosspool.retrieval import extract
from keras_crosspool.retrieval.contact_sheet import neighbour_pictures, plot_contact_sheet
from keras_crosspool.retrieval.describer import Describer
from keras_crosspool.retrieval.query import search_pictures


@pytest.fixture(scope="module")
def data(tmp_path_factory, tiny_folder):
    """The tiny folder, with one picture painted red."""
    folder = tmp_path_factory.mktemp("data") / "tiny"
    shutil.copytree(tiny_folder, folder)
    picture = sorted((folder / "train" / "Orange").iterdir())[0]
    Image.new("RGB", (64, 64), (255, 0, 0)).save(picture)
    return folder, picture


@pytest.fixture(scope="module", params=["float16", "packed"])
def store(request, small_model, data, tmp_path_factory):
    output = tmp_path_factory.mktemp(request.param) / "descriptors"
    return extract(small_model, output, str(data[0]), "train", request.param).store


@pytest.fixture(scope="module")
def describer(small_model):
    return Describer(small_model, batch_size=4)


def test_every_picture_finds_itself_first(store, describer):
    paths = [entry.picture for entry in store.index]
    queries = search_pictures(store, describer, paths, 3)
    assert [query.path for query in queries] == paths
    for query in queries:
        first, *others = query.neighbours
        assert first.entry.picture == query.path
        assert first.similarity == pytest.approx(1, abs=0.01)
        assert [n.similarity for n in query.neighbours] == sorted(
            (n.similarity for n in query.neighbours), reverse=True
        )
        assert len(others) == 2
    record = json.loads(json.dumps(queries[0].to_dict()))
    assert [row["rank"] for row in record["neighbours"]] == [1, 2, 3]
    assert record["neighbours"][0]["classes"] == ["Anjou"]
    assert sum(row["votes"] for row in record["votes"]) == 3


def test_another_model_is_refused(store, save_small_model, tmp_path):
    other = Describer(save_small_model(tmp_path / "other", "data", seed=1))
    with pytest.raises(ValueError, match=r"another model.*Received: small-1, .* of small-0, "):
        search_pictures(store, other, [store.index[0].picture])


def test_the_contact_sheet_shows_the_neighbours(store, describer, data, tmp_path):
    path = data[1]
    queries = search_pictures(store, describer, [path, store.index[0].picture], 2)
    pictures = neighbour_pictures(store, queries)
    assert set(pictures) == {n.position for query in queries for n in query.neighbours}
    plot_contact_sheet(queries, pictures, tmp_path / "sheet.png")
    with Image.open(tmp_path / "sheet.png") as sheet:
        pixels = np.asarray(sheet.convert("RGB")).astype(int)
    red = (pixels[..., 0] > 240) & (pixels[..., 1:].max(axis=2) < 20)
    columns = np.flatnonzero(red[: len(red) // 2].sum(axis=0) > 20)
    # The red query and beside it the red picture that it found; nothing red in the row below.
    third = pixels.shape[1] // 3
    assert columns.min() < third < columns.max() < 2 * third
    assert not red[len(red) // 2 :].any(axis=1).sum() > 20


def test_pictures_that_have_changed_are_refused(store, describer, data, tmp_path):
    queries = search_pictures(store, describer, [data[1]], 2)
    moved = tmp_path / "moved"
    shutil.copytree(data[0], moved)
    pictures = neighbour_pictures(store, queries, str(moved))
    np.testing.assert_array_equal(pictures[queries[0].neighbours[0].position][0, 0], [254, 0, 0])
    Image.new("RGB", (64, 64)).save(sorted((moved / "train" / "Anjou").iterdir())[0])
    with pytest.raises(ValueError, match=r"not those that were described.*Received: .*moved"):
        neighbour_pictures(store, queries, str(moved))
