"""Images of none of the classes: what is counted, and what is refused."""

import dataclasses

import keras
import numpy as np
import pytest
from PIL import Image

from keras_crosspool.evaluation.prediction import predict_images
from keras_crosspool.evaluation.unknown import evaluate_unknown
from keras_crosspool.models.metadata import ModelMetadata
from keras_crosspool.models.training_scores import TrainingScores
from keras_crosspool.targets.rejection import Rejection
from tests.small_models import flat_classifier

NAMES = ("dark", "red", "green")


@pytest.fixture(scope="module")
def model():
    """Its logits of red and green are 20 times the root of their share of an image's light."""
    inputs = keras.Input((4, 4, 3))
    model = flat_classifier(inputs, inputs, NAMES)
    kernel = np.zeros((48, 3), "float32")
    kernel[0::3, 1] = kernel[1::3, 2] = 5
    model.classifier.assign(kernel, np.zeros(3), 0.0)
    return model


@pytest.fixture(scope="module")
def metadata():
    return ModelMetadata(
        name="tiny",
        class_names=NAMES,
        image_size=4,
        arguments={},
        data={"path": "data", "train_split": "train", "val_split": None, "fingerprint": "0"},
        versions={},
        scores=TrainingScores(),
        rejection=Rejection("max_logit", 14.0, 0.05),
    )


def _save(folder, colours):
    folder.mkdir(parents=True, exist_ok=True)
    for index, colour in enumerate(colours):
        Image.new("RGB", (8, 8), colour).save(folder / f"{index}.png")


def test_shares_and_auroc(model, metadata, tmp_path):
    _save(tmp_path / "odd", [(90, 90, 90), (40, 60, 0)])
    _save(tmp_path / "odd" / "deeper", [(200, 0, 0)])
    known = np.array([[0.0, 21, 0], [0, 0, 12], [9, 0, 0], [0, 15, 0]])
    found = evaluate_unknown(model, metadata, known, tmp_path / "odd")
    # The largest logits are 11.5, 15.5 and 20; those of the classes 21, 12, 9 and 15.
    assert found.images == 3
    assert found.accepted_unknown == pytest.approx(2 / 3)
    assert found.refused_known == 0.5
    assert found.auroc == pytest.approx((3 + 1 + 0 + 1) / 12)


def test_predict_says_none_of_them(model, metadata, tmp_path):
    _save(tmp_path, [(90, 90, 90), (200, 0, 0)])
    paths = [tmp_path / "0.png", tmp_path / "1.png"]
    refused, known = predict_images(model, metadata, paths)
    assert (refused.refused, known.refused) == (True, False)
    assert refused.to_dict()["labels"] == []
    assert refused.to_dict()["none_of_the_classes"]
    assert known.to_dict()["labels"] == ["red"]


def test_what_cannot_be_told_is_named(model, metadata, tmp_path):
    known = np.zeros((2, 3))
    with pytest.raises(ValueError, match=r"no such folder.*Received: unknown='.*nowhere'"):
        evaluate_unknown(model, metadata, known, str(tmp_path / "nowhere"))
    with pytest.raises(ValueError, match=r"no images\. Received: unknown="):
        evaluate_unknown(model, metadata, known, str(tmp_path))
    with pytest.raises(ValueError, match=r"no threshold.*Received: tiny, single_label"):
        evaluate_unknown(model, dataclasses.replace(metadata, rejection=None), known, tmp_path)
