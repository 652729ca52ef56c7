"""NumPy's integers are taken wherever Python's are, and come out as Python's."""

import dataclasses
import json

import keras
import numpy as np
import pytest

from keras_crosspool import CrossPoolClassifier, layers
from keras_crosspool.config import TrainingConfig
from keras_crosspool.config.audit_config import AuditConfig
from keras_crosspool.config.scheme_config import SchemeConfig
from keras_crosspool.exporting.artefact import Artefact
from keras_crosspool.whole_numbers import whole_number

KINDS = (int, np.int64, np.int32, np.uint8, np.array)


def _network():
    image = keras.Input((32, 32, 3))
    x = keras.layers.Conv2D(8, 3, strides=2, activation="relu", name="one")(image)
    return keras.Model(image, keras.layers.Conv2D(8, 3, padding="same", name="two")(x))


LAYERS = {
    "LocalRegions": lambda kind: layers.LocalRegions(kind(4), kind(3)),
    "GuidanceSelection": lambda kind: layers.GuidanceSelection(kind(4)),
    "a pair": lambda kind: layers.LocalRegions(4, (kind(3), kind(1))),
    "CompactBilinearPooling": lambda kind: layers.CompactBilinearPooling(
        units=kind(64), seed=kind(1)
    ),
    "HierarchicalBilinearPooling": lambda kind: layers.HierarchicalBilinearPooling(units=kind(9)),
    "CovariancePooling": lambda kind: layers.CovariancePooling(iterations=kind(3)),
    "MatrixRootPooling": lambda kind: layers.MatrixRootPooling(iterations=kind(3)),
    "DemocraticPooling": lambda kind: layers.DemocraticPooling(iterations=kind(3)),
    "ProjectedCovariancePooling": lambda kind: layers.ProjectedCovariancePooling(units=kind(16)),
    "RegionGrid": lambda kind: layers.RegionGrid(
        _network(), kind(32), kind(8), input_size=kind(32)
    ),
}


@pytest.mark.parametrize("kind", KINDS[1:])
@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_is_that_of_pythons_integers(name, kind):
    configs = [LAYERS[name](each).get_config() for each in (kind, int)]
    for config in configs:
        for unequal in ("name", "network", "guidance_network"):
            config.pop(unequal, None)
    found, expected = (json.dumps(config, default=str, sort_keys=True) for config in configs)
    assert found == expected


@pytest.mark.parametrize("kind", KINDS)
def test_a_number_comes_out_as_pythons(kind):
    found = whole_number("units", kind(7), least=7)
    assert (found, type(found)) == (7, int)


@pytest.mark.parametrize("value", [6, 7.0, np.float32(7), True, np.True_, "7", None, [7]])
def test_what_is_none_is_refused(value):
    words = r"`units` must be a whole number from 7\. Received: units="
    with pytest.raises(ValueError, match=words):
        whole_number("units", value, least=7)


def test_options_become_plain_data():
    given = {"epochs": 3, "batch_size": 4, "image_size": 64, "seed": 5, "region_stride": 8}
    floats = {"learning_rate": 0.5, "val_share": 0.25}
    config = TrainingConfig.of(
        **{name: np.int64(value) for name, value in given.items()},
        **{name: np.float32(value) for name, value in floats.items()},
        region_size=(np.int64(16), np.int64(24)),
        crop_scales=[np.float32(1.0), 0.5],
    )
    found = json.loads(json.dumps(config.to_dict()))
    assert {name: found[name] for name in given | floats} == given | floats
    assert (found["region_size"], found["crop_scales"]) == ([16, 24], [1.0, 0.5])
    assert SchemeConfig(region_size=np.int64(16)) == SchemeConfig(region_size=16)
    with pytest.raises(ValueError, match=r"`epochs` must be a whole number\. Received: epochs=1.5"):
        TrainingConfig.of(epochs=1.5)
    assert AuditConfig().splits is None


def test_a_model_of_numpys_integers_is_solved_saved_and_loaded(tmp_path):
    model = CrossPoolClassifier.from_backbone(
        _network(),
        num_classes=np.int64(3),
        window_size=np.int64(3),
        feature_channels=np.int64(4),
        guidance_channels=np.int64(4),
    )
    images = np.random.default_rng(0).integers(0, 255, (9, 32, 32, 3)).astype("uint8")
    model.solve(images, np.arange(9) % 3, groups=None, batch_size=np.int64(4), seed=np.int64(1))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(
        loaded.predict_on_batch(images), model.predict_on_batch(images), rtol=1e-5, atol=1e-5
    )


def test_a_record_takes_them():
    empty = {field.name: field.type() for field in dataclasses.fields(Artefact)}
    record = Artefact(**empty | {"details": {"opset": np.int64(18)}})
    assert Artefact.from_json(record.to_json()).details == {"opset": 18}
