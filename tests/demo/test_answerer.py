"""What the demo says of an image file, without the page."""

import dataclasses
import pathlib

import keras
import numpy as np
import pytest
from PIL import Image
from scipy.special import expit, softmax

from keras_crosspool import load_model
from keras_crosspool.data import load_images, open_split
from keras_crosspool.data.image_error import ImageError
from keras_crosspool.demo.answerer import Answerer
from keras_crosspool.models.metadata import ModelMetadata
from keras_crosspool.models.training_scores import TrainingScores
from keras_crosspool.targets.rejection import Rejection


@pytest.fixture(scope="module")
def loaded(model_directory):
    return load_model(model_directory)


@pytest.fixture(scope="module")
def photo(tiny_folder, loaded):
    """An image file of the test split and its logits by the network in a batch of all of them."""
    model, metadata = loaded
    split = open_split(tiny_folder, "test", metadata.class_names)
    images, _ = load_images(split, metadata.image_size)
    logits = keras.ops.convert_to_numpy(model(images.astype("float32")))
    return split.names[5], logits[5].astype("float64")


def test_the_best_classes_with_their_probabilities(loaded, photo):
    path, logits = photo
    answer = Answerer(*loaded).answer(path, "photo.jpg")
    names, expected = loaded[1].class_names, softmax(logits)
    assert answer.sentence() == names[logits.argmax()]
    found = answer.probabilities()
    assert list(found) == [names[i] for i in np.argsort(-logits)]
    assert found == pytest.approx(dict(zip(names, expected, strict=True)), abs=1e-5)
    assert answer.milliseconds > 0
    assert answer.similar == ()


def test_none_of_the_classes(loaded, photo):
    model, metadata = loaded
    path, logits = photo
    for threshold, refused in ((logits.max() + 0.1, True), (logits.max() - 0.1, False)):
        rejection = Rejection("max_logit", threshold, refused_known=0.05)
        unsure = dataclasses.replace(metadata, rejection=rejection)
        best = metadata.class_names[logits.argmax()]
        expected = f"none of the 3 classes; nearest: {best}" if refused else best
        answer = Answerer(model, unsure).answer(path, "photo.jpg")
        assert answer.sentence() == expected
        assert next(iter(answer.probabilities())) == best


def test_the_labels_over_their_thresholds(loaded, photo):
    model, metadata = loaded
    path, logits = photo
    ranked = np.argsort(-logits)
    for shown in range(4):
        thresholds = np.empty(3)
        thresholds[ranked[:shown]] = expit(logits[ranked[:shown]]) - 1e-3
        thresholds[ranked[shown:]] = expit(logits[ranked[shown:]]) + 1e-3
        labelled = dataclasses.replace(
            metadata, task="multi_label", thresholds=tuple(thresholds), rejection=None
        )
        answer = Answerer(model, labelled).answer(path, "photo.jpg")
        names = [metadata.class_names[i] for i in ranked[:shown]]
        assert answer.sentence() == (", ".join(names) or "none of the 3 labels")
        expected = {metadata.class_names[i]: expit(logits[i]) for i in ranked[:shown]}
        assert answer.probabilities() == pytest.approx(expected, abs=1e-5)


def test_the_heat_maps_are_those_of_predict(loaded, photo, model_directory, fork_main, tmp_path):
    path, _ = photo
    done = fork_main(
        "keras_crosspool.predict", f"--model={model_directory}", f"--explain={tmp_path}/x.png", path
    )
    assert done.returncode == 0, done.stderr
    with Image.open(tmp_path / "x.png") as image:
        expected = np.asarray(image.convert("RGB"))
    found = Answerer(*loaded).answer(path, "photo.jpg").explanation
    assert found.dtype == np.uint8
    assert found.shape == expected.shape
    assert np.abs(found.astype(int) - expected).max() <= 2  # another process, other last bits


def test_a_model_without_positions_has_no_heat_maps(tiny_network, tiny_folder):
    metadata = ModelMetadata("tiny", ("a", "b", "c"), 16, {}, {}, {}, TrainingScores())
    path = next((tiny_folder / "test" / "Orange").iterdir())
    answer = Answerer(tiny_network(), metadata).answer(path, "photo.jpg")
    assert answer.explanation is None
    assert set(answer.probabilities()) == {"a", "b", "c"}


@pytest.mark.parametrize("what", ["an empty file", "a text file", "half a JPEG"])
def test_a_file_that_is_no_whole_image(loaded, photo, tmp_path, what, tried):
    whole = pathlib.Path(photo[0]).read_bytes()
    contents = {"an empty file": b"", "a text file": b"some text\n", "half a JPEG": whole[:3000]}
    (tmp_path / "file").write_bytes(contents[what])
    with pytest.raises(ImageError, match=r"Received: odd\.jpg$") as caught:
        Answerer(*loaded).answer(tmp_path / "file", "odd.jpg")
    tried("demo", f"{what} as the image", caught.value)


def test_an_image_that_is_too_large(loaded, photo):
    with pytest.raises(ImageError, match=r"megapixels of at most 0\.001.*Received: photo\.jpg$"):
        Answerer(*loaded, max_megapixels=0.001).answer(photo[0], "photo.jpg")
