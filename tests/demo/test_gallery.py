"""The nearest images of the demo: found by cosine, shown as they are, left out with a reason."""

import dataclasses
import shutil

import keras
import numpy as np
import pytest

from keras_crosspool import load_model
from keras_crosspool.config.model_use_config import DemoConfig
from keras_crosspool.data import load_images, open_split
from keras_crosspool.demo.gallery import Gallery, open_gallery, why_no_gallery
from keras_crosspool.retrieval import extract


@pytest.fixture(scope="module")
def descriptors(model_directory, tmp_path_factory):
    """The descriptors of the 18 training images. Do not change them."""
    folder = tmp_path_factory.mktemp("demo") / "descriptors"
    extract(model_directory, folder, format="float32", batch_size=2, shard_size=4)
    return folder


@pytest.fixture(scope="module")
def metadata(model_directory):
    return load_model(model_directory)[1]


def test_the_nearest_by_cosine_with_their_classes(model_directory, descriptors, tiny_folder):
    model, metadata = load_model(model_directory)
    train, test = (
        open_split(tiny_folder, name, metadata.class_names) for name in ("train", "test")
    )
    images, labels = load_images(train, metadata.image_size)
    asked = load_images(test, metadata.image_size)[0][[0, 7]]
    extractor = keras.Model(model.input, model.get_layer("logits").input)
    rows, queries = (
        keras.ops.convert_to_numpy(extractor(x.astype("float32"))).astype("float64")
        for x in (images, asked)
    )
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    shown = load_images(train, 256)[0]
    gallery = Gallery(model_directory, descriptors, count=5)
    for image, query in zip(asked, queries, strict=True):
        cosines = rows @ query / np.linalg.norm(query)
        nearest = np.argsort(-cosines)[:5]
        found = gallery.similar_to(image)
        assert [each.similarity for each in found] == pytest.approx(cosines[nearest], abs=1e-4)
        assert [each.classes for each in found] == [
            (metadata.class_names[labels[i]],) for i in nearest
        ]
        for each, i in zip(found, nearest, strict=True):
            np.testing.assert_array_equal(each.image, shown[i])


def test_without_descriptors_they_are_computed(model_directory, metadata, tiny_folder, tmp_path):
    config = DemoConfig(model=str(model_directory), nearest=2)
    assert why_no_gallery(config, metadata) is None
    gallery = open_gallery(config, tmp_path / "descriptors")
    assert len((tmp_path / "descriptors" / "index.csv").read_text().splitlines()) == 1 + 18
    split = open_split(tiny_folder, "train", metadata.class_names)
    images, labels = load_images(split, metadata.image_size)
    first, second = gallery.similar_to(images[7])
    assert first.similarity == pytest.approx(1, abs=1e-3)  # itself, kept in 16 bits
    assert first.classes == (metadata.class_names[labels[7]],)
    assert second.similarity < 0.99


def test_images_that_were_moved_are_found_where_they_are_now(
    model_directory, descriptors, tiny_folder, metadata, tmp_path
):
    shutil.copytree(tiny_folder, tmp_path / "moved")
    record = (descriptors / "descriptors.json").read_text()
    shutil.copytree(descriptors, tmp_path / "descriptors")
    gone = record.replace(str(tiny_folder), str(tmp_path / "gone"))
    (tmp_path / "descriptors" / "descriptors.json").write_text(gone)
    config = DemoConfig(
        model=str(model_directory),
        descriptors=str(tmp_path / "descriptors"),
        data=str(tmp_path / "moved"),
        nearest=3,
    )
    gallery = open_gallery(config, tmp_path / "none")
    image = load_images(open_split(tiny_folder, "test"), metadata.image_size)[0][0]
    assert len(gallery.similar_to(image)) == 3
    assert not (tmp_path / "none").exists()
    with pytest.raises(ValueError, match="no such folder of images"):
        open_gallery(dataclasses.replace(config, data=None), tmp_path / "none")


def test_descriptors_of_another_model_are_refused(model_directory, descriptors, metadata, tmp_path):
    shutil.copytree(descriptors, tmp_path / "descriptors")
    path = tmp_path / "descriptors" / "descriptors.json"
    text = path.read_text()
    own = text.split('"model_fingerprint": "')[1].split('"')[0]
    path.write_text(text.replace(own, "0" * 64))
    with pytest.raises(ValueError, match="made with another model"):
        Gallery(model_directory, tmp_path / "descriptors")


def test_why_there_is_no_gallery(metadata, tmp_path):
    gone = dataclasses.replace(metadata, data=metadata.data | {"path": str(tmp_path / "gone")})
    assert why_no_gallery(DemoConfig(), gone) == (
        "The nearest images are left out, because the training images are not where they were: "
        f"name with `data` where they are now. Received: {tmp_path}/gone"
    )
    assert "`nearest=0`" in why_no_gallery(DemoConfig(nearest=0), metadata)
    for config in (DemoConfig(data="photos"), DemoConfig(descriptors="descriptors")):
        assert why_no_gallery(config, gone) is None
