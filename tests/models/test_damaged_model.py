"""Damaged and foreign model directories: one line that says what is wrong, and nothing changed."""

import json
import re
import zipfile

import keras
import pytest

from keras_crosspool import load_model
from keras_crosspool.models.directory import save_model
from keras_crosspool.models.metadata import ModelMetadata
from keras_crosspool.models.training_scores import TrainingScores
from tests.small_models import flat_classifier

METADATA = ModelMetadata(
    name="tiny",
    class_names=("pear", "Päron", "milk"),
    image_size=4,
    arguments={"mirror": True},
    data={"path": "data", "train_split": "train", "val_split": None, "fingerprint": "0" * 64},
    versions={},
    scores=TrainingScores({"accuracy": 0.5}),
)


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    inputs = keras.Input((4, 4, 3))
    return flat_classifier(inputs, inputs, METADATA.class_names)


@pytest.fixture
def directory(tmp_path, model):
    save_model(tmp_path / "model", model, METADATA)
    return tmp_path / "model"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"image_size": 0}, "image_size must be a whole number of at least 1, not 0"),
        ({"image_size": "large"}, 'image_size must be a whole number, not "large"'),
        ({"image_size": 4.5}, "image_size must be a whole number, not 4.5"),
        ({"image_size": True}, "image_size must be a whole number, not true"),
        ({"image_size": 200000}, "images of 200000 px, and the model .* takes .* 4 x 4 x 3"),
        ({"image_size": 10**400}, "image_size must be|images of 10000"),
        ({"class_names": None}, "class_names must be a list, not null"),
        ({"class_names": "pear"}, 'class_names must be a list, not "pear"'),
        ({"class_names": ["pear", None, "milk"]}, r"class_names\[1\] must be text, not null"),
        ({"class_names": ["pear"] * 200000}, "names 200000 classes .* 3 logits"),
        ({"data": []}, "data must be an object, not a list"),
        ({"data": {"path": "data"}}, "data lacks .*train_split"),
        ({"scores": 0.5}, "scores must be an object, not 0.5"),
        ({"scores": {"validation": {"accuracy": "x"}}}, "validation.accuracy must be a number"),
        ({"scores": {"solved": {"alpha": 1}}}, "solved lacks cross_validated"),
        ({"scores": {"tuning": {"stages": []}}}, "stages must be an object, not a list"),
        ({"task": ["single_label"]}, "task must be text, not a list"),
        ({"thresholds": [0.5, 2, 0.5]}, r"thresholds\[1\] must be a number from 0 to 1, not 2"),
        ({"thresholds": [float("nan")] * 3}, r"thresholds\[0\] must be a number from 0 to 1"),
        ({"thresholds": [0.5]}, "1 thresholds for 3 classes"),
        ({"class_names": ["milk", "Päron", "pear"]}, r"their class_names differ.*\('milk'"),
        ({"class_names": ["pear", "Päron", "pear"]}, "their class_names differ"),
        ({"task": "multi_label"}, "their task differ"),
        ({"thresholds": [0.5, 0.5, 0.5]}, "their thresholds differ"),
        ({"colour": "x" * 10**6}, "it has the unknown colour"),
    ],
    ids=lambda x: next(iter(x)) if isinstance(x, dict) else None,
)
def test_changed_metadata(directory, change, words, tried):
    path = directory / "model.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(ValueError, match=words) as error:
        load_model(directory)
    assert re.search(
        r"train again or restore it\. Received: .*model(/model\.json|, .*)?$", str(error.value)
    )
    assert len(str(error.value)) < 1000
    shown = json.dumps(change) if len(json.dumps(change)) < 60 else f"another {next(iter(change))}"
    tried("models", f"model.json with {shown}", error.value)


@pytest.mark.parametrize("text", ["[" * 10**5, '{"a":' * 10**5], ids=["lists", "objects"])
def test_metadata_nested_without_end(directory, text, tried):
    (directory / "model.json").write_text(text)
    with pytest.raises(ValueError, match="nested too deeply") as error:
        load_model(directory)
    tried("models", "model.json of 100,000 nested brackets", error.value)


def test_metadata_without_end(directory, tried):
    with (directory / "model.json").open("r+") as file:
        file.truncate(1 << 40)  # a file with a hole, of 1 TB
    with pytest.raises(ValueError, match="1099511627776 bytes, and at most") as error:
        load_model(directory)
    tried("models", "model.json of 1 TB", error.value)


def test_metadata_of_an_editor_that_marks_its_files(directory):
    path = directory / "model.json"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert load_model(directory)[1] == METADATA


def _archive(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _write_archive(path, parts):
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in parts.items():
            archive.writestr(name, data)


def _config(change):
    """A damage of a model's configuration: a function of its parsed text."""

    def damage(parts):
        config = json.loads(parts["config.json"])
        return parts | {"config.json": json.dumps(change(config) or config)}

    return damage


def _network(config):
    return config["config"]["network"]["config"]


def _layer(number, **fields):
    return _config(lambda config: _network(config)["layers"][number].update(fields))


MODEL_DAMAGES = {
    "a class of nobody": (_layer(2, class_name="Densest"), "Could not deserialize"),
    "a class of another module": (
        _layer(2, module="os", class_name="system", registered_name=None),
        r"\(\w+Error: ",
    ),
    "a lambda": (
        _layer(2, module="keras.layers", class_name="Lambda", registered_name=None),
        r"\(\w+Error: ",
    ),
    "a layer's configuration null": (_layer(2, config=None), r"\(\w+Error: "),
    "layers that are a number": (
        _config(lambda config: _network(config).update(layers=3)),
        r"\(\w+Error: ",
    ),
    "a configuration that is a list": (_config(lambda config: [config]), r"\(\w+Error: "),
    "a layer of other units": (
        _config(
            lambda config: config["config"]["network"]["config"]["layers"][2]["config"].update(
                units=7
            )
        ),
        r"\(\w+Error: ",
    ),
    "a configuration of 80 MB": (
        lambda parts: parts | {"config.json": b" " * (80 << 20) + parts["config.json"]},
        "unpacks to|has more than",
    ),
    "an error of 40 MB": (
        _layer(2, class_name="Dense" * (8 << 20)),
        r"characters left out",
    ),
    "no configuration": (
        lambda parts: {k: v for k, v in parts.items() if k != "config.json"},
        "KeyError: .*config.json",
    ),
}


@pytest.mark.filterwarnings("ignore:Skipping nested container")  # Keras, before its error
@pytest.mark.parametrize("damage", MODEL_DAMAGES)
def test_a_foreign_or_changed_model_is_refused(directory, damage, tried):
    change, words = MODEL_DAMAGES[damage]
    path = directory / "model.keras"
    _write_archive(path, change(_archive(path)))
    before = path.read_bytes()
    with pytest.raises(ValueError, match=rf"^model\.keras is damaged, or not .*{words}") as error:
        load_model(directory)
    assert len(str(error.value)) < 1000
    assert path.read_bytes() == before
    tried("models", f"model.keras with {damage}", error.value)


def test_a_flipped_bit_of_a_weight_is_found(directory, model, tried):
    path = directory / "model.keras"
    data = bytearray(path.read_bytes())
    data[data.index(model.get_weights()[0].tobytes()) + 10] ^= 1
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r"checksum of model\.weights\.h5 differs") as error:
        load_model(directory)
    tried("models", "model.keras with a flipped bit of a weight", error.value)
