"""Queries: an image finds itself, and the contact sheet shows what was found."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from keras_crosspool.retrieval import extract
from keras_crosspool.retrieval.contact_sheet import neighbour_images, plot_contact_sheet
from keras_crosspool.retrieval.descriptor_model import DescriptorModel
from keras_crosspool.retrieval.query import search_images


@pytest.fixture(scope="module")
def data(tmp_path_factory, tiny_folder):
    """The tiny folder, with one image painted red."""
    folder = tmp_path_factory.mktemp("data") / "tiny"
    shutil.copytree(tiny_folder, folder)
    image = sorted((folder / "train" / "Orange").iterdir())[0]
    Image.new("RGB", (64, 64), (255, 0, 0)).save(image)
    return folder, image


@pytest.fixture(scope="module", params=["float16", "packed"])
def store(request, small_model, data, tmp_path_factory):
    output = tmp_path_factory.mktemp(request.param) / "descriptors"
    return extract(small_model, output, str(data[0]), "train", format=request.param).store


@pytest.fixture(scope="module")
def descriptor_model(small_model):
    return DescriptorModel(small_model, batch_size=4)


def test_every_image_finds_itself_first(store, descriptor_model):
    paths = [entry.image for entry in store.index]
    queries = search_images(store, descriptor_model, paths, 3)
    assert [query.path for query in queries] == paths
    for query in queries:
        first, *others = query.neighbours
        assert first.entry.image == query.path
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
    other = DescriptorModel(save_small_model(tmp_path / "other", "data", seed=1))
    with pytest.raises(ValueError, match=r"another model.*Received: small-1, .* of small-0, "):
        search_images(store, other, [store.index[0].image])


def test_the_contact_sheet_shows_the_neighbours(store, descriptor_model, data, tmp_path):
    path = data[1]
    queries = search_images(store, descriptor_model, [path, store.index[0].image], 2)
    images = neighbour_images(store, queries)
    assert set(images) == {n.position for query in queries for n in query.neighbours}
    plot_contact_sheet(queries, images, tmp_path / "sheet.png")
    with Image.open(tmp_path / "sheet.png") as sheet:
        pixels = np.asarray(sheet.convert("RGB")).astype(int)
    red = (pixels[..., 0] > 240) & (pixels[..., 1:].max(axis=2) < 20)
    columns = np.flatnonzero(red[: len(red) // 2].sum(axis=0) > 20)
    # The red query and beside it the red image that it found; nothing red in the row below.
    third = pixels.shape[1] // 3
    assert columns.min() < third < columns.max() < 2 * third
    assert not red[len(red) // 2 :].any(axis=1).sum() > 20


def test_images_that_have_changed_are_refused(store, descriptor_model, data, tmp_path):
    queries = search_images(store, descriptor_model, [data[1]], 2)
    moved = tmp_path / "moved"
    shutil.copytree(data[0], moved)
    images = neighbour_images(store, queries, str(moved))
    np.testing.assert_array_equal(images[queries[0].neighbours[0].position][0, 0], [254, 0, 0])
    Image.new("RGB", (64, 64)).save(sorted((moved / "train" / "Anjou").iterdir())[0])
    with pytest.raises(ValueError, match=r"not those of the descriptors.*Received: .*moved"):
        neighbour_images(store, queries, str(moved))
