"""Model directories: written whole or not at all, read back equal, refused when damaged."""

import dataclasses
import json
import re
import zipfile

import keras
import numpy as np
import pytest

from keras_crosspool import build_model, load_model
from keras_crosspool.models import ModelMetadata, save_model
from keras_crosspool.models.directory import check_replaceable


def _metadata(name="tiny", classes=("pear", "Päron", "milk")):
    return ModelMetadata(
        name=name,
        class_names=classes,
        image_size=4,
        arguments={"head": "scheme1", "mirror": True, "image_size": None},
        data={"path": "data", "train_split": "train", "val_split": None, "fingerprint": "0" * 64},
        versions={"keras": keras.__version__},
        metrics={"accuracy": 0.5, "seconds": {"closed_form": 1.0}},
    )


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    inputs = keras.Input((4, 4, 3))
    flat = keras.layers.Flatten()(inputs)
    return keras.Model(inputs, keras.layers.Dense(3, name="logits")(flat))


@pytest.fixture
def directory(tmp_path, model):
    save_model(tmp_path / "model", model, _metadata())
    return tmp_path / "model"


def _contents(directory):
    return {p.relative_to(directory): p.read_bytes() for p in directory.rglob("*") if p.is_file()}


@pytest.mark.parametrize("head", ["scheme1", "global_average"])
def test_logits_and_metadata_come_back(tmp_path, backbone, head):
    arguments = {"feature_channels": 6, "guidance_channels": 24} if head == "scheme1" else {}
    model = build_model(backbone, 3, head, **arguments)
    written = dataclasses.replace(_metadata(head), image_size=128)
    save_model(tmp_path / "new" / "model", model, written)
    restored, metadata = load_model(tmp_path / "new" / "model")
    assert metadata == written
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 256, (3, 128, 128, 3)).astype("float32")
    np.testing.assert_array_equal(restored(pictures), model(pictures))


def test_metadata_is_plain_json():
    metadata = _metadata()
    fields = json.loads(metadata.to_json())
    assert fields["class_names"] == ["pear", "Päron", "milk"]
    assert set(fields) == {field.name for field in dataclasses.fields(ModelMetadata)}
    assert ModelMetadata.from_json(metadata.to_json()) == metadata


def test_extras_are_written_inside(tmp_path, model):
    save_model(
        tmp_path / "model", model, _metadata(), lambda path: (path / "card.md").write_text("hi")
    )
    assert (tmp_path / "model" / "card.md").read_text() == "hi"
    assert [p.name for p in tmp_path.iterdir()] == ["model"]


def test_an_older_model_is_replaced_whole(directory, model):
    (directory / "plots").mkdir()
    (directory / "plots" / "old.png").write_bytes(b"old")
    save_model(directory, model, _metadata("newer"))
    assert load_model(directory)[1].name == "newer"
    assert sorted(p.name for p in directory.iterdir()) == ["model.json", "model.keras"]
    assert [p.name for p in directory.parent.iterdir()] == ["model"]


class Interrupted(BaseException):
    """Stands for Ctrl-C: not even an Exception."""


@pytest.mark.parametrize("error", [RuntimeError, Interrupted])
def test_an_error_midway_leaves_the_older_model(directory, model, error):
    before = _contents(directory)

    def fail(path):
        assert (path / "model.keras").is_file()
        raise error

    with pytest.raises(error):
        save_model(directory, model, _metadata("newer"), fail)
    assert _contents(directory) == before
    assert [p.name for p in directory.parent.iterdir()] == ["model"]


def test_an_error_midway_leaves_nothing_where_nothing_was(tmp_path, model):
    def fail(path):
        raise RuntimeError

    with pytest.raises(RuntimeError):
        save_model(tmp_path / "model", model, _metadata(), fail)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("files", [["photo.jpg"], ["model.json"], ["model.keras"]])
def test_what_is_no_model_directory_is_not_replaced(tmp_path, model, files):
    # A lone model.json is what TensorFlow.js writes, for one.
    for name in files:
        (tmp_path / name).write_text("precious")
    with pytest.raises(ValueError, match=r"is not replaced.*Received: "):
        save_model(tmp_path, model, _metadata())
    assert {p.name: p.read_text() for p in tmp_path.iterdir()} == dict.fromkeys(files, "precious")


def test_what_may_be_replaced(directory, tmp_path):
    check_replaceable(directory)
    check_replaceable(tmp_path / "nothing")
    (tmp_path / "empty").mkdir()
    check_replaceable(tmp_path / "empty")
    (tmp_path / "file").write_text("precious")
    with pytest.raises(ValueError, match="is not replaced"):
        check_replaceable(tmp_path / "file")


def test_the_current_folder_can_be_the_directory(tmp_path, model, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save_model(".", model, _metadata())
    assert load_model(tmp_path)[1].name == "tiny"


def test_a_link_to_a_directory_stays_a_link(directory, tmp_path, model):
    link = tmp_path / "latest"
    link.symlink_to(directory)
    save_model(link, model, _metadata("newer"))
    assert link.is_symlink()
    assert load_model(directory)[1].name == load_model(link)[1].name == "newer"


class TestDamage:
    @pytest.mark.parametrize("missing", ["model.keras", "model.json"])
    def test_missing_file(self, directory, missing):
        (directory / missing).unlink()
        with pytest.raises(ValueError, match=rf"no model directory: {missing} missing.*Received:"):
            load_model(directory)

    def test_no_directory(self, tmp_path):
        (tmp_path / "file").write_text("")
        for path in (tmp_path / "nothing", tmp_path / "file", tmp_path):
            with pytest.raises(ValueError, match=r"model\.keras and model\.json missing"):
                load_model(path)

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "{",
            '{"name": "tiny"}',
            "null",
            "[1, 2]",
            "3",
            '"text"',
            '{"class_names": 3}',
            _metadata().to_json()[:-40],
            _metadata().to_json().replace('"image_size": 4,', ""),
            _metadata().to_json().replace('"name"', '"nome"'),
        ],
    )
    def test_damaged_metadata(self, directory, text):
        (directory / "model.json").write_text(text)
        with pytest.raises(
            ValueError, match=r"^model\.json is damaged: .*Received: .*model/model\.json$"
        ):
            load_model(directory)

    def test_binary_metadata(self, directory):
        (directory / "model.json").write_bytes(b"\xff\xfe\x00")
        with pytest.raises(ValueError, match=r"model\.json is damaged"):
            load_model(directory)

    @pytest.mark.parametrize("damage", ["empty", "text", "half", "flipped"])
    def test_damaged_model(self, directory, damage):
        path = directory / "model.keras"
        encoded = path.read_bytes()
        middle = len(encoded) // 2
        path.write_bytes(
            {
                "empty": b"",
                "text": b"not a model",
                "half": encoded[:middle],
                "flipped": encoded[:middle]
                + bytes([encoded[middle] ^ 255])
                + encoded[middle + 1 :],
            }[damage]
        )
        with pytest.raises(ValueError, match=r"(?s)^model\.keras is damaged.*Received: .*model$"):
            load_model(directory)

    @pytest.mark.parametrize("part", ["config.json", "model.weights.h5"])
    def test_damaged_part_of_the_model(self, directory, part):
        path = directory / "model.keras"
        with zipfile.ZipFile(path) as archive:
            parts = {name: archive.read(name) for name in archive.namelist()}
        for damaged in (parts | {part: b"junk"}, {k: v for k, v in parts.items() if k != part}):
            with zipfile.ZipFile(path, "w") as archive:
                for name, data in damaged.items():
                    archive.writestr(name, data)
            with pytest.raises(ValueError, match=r"model\.keras is damaged"):
                load_model(directory)

    def test_files_of_different_models(self, directory):
        (directory / "model.json").write_text(_metadata(classes=("pear", "milk")).to_json())
        with pytest.raises(ValueError, match=r"names 2 classes .* 3 logits.*Received:"):
            load_model(directory)

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            ({"image_size": 0}, "image_size must be a whole number of at least 1, not 0"),
            ({"image_size": "large"}, 'image_size must be a whole number, not "large"'),
            ({"image_size": 4.5}, "image_size must be a whole number, not 4.5"),
            ({"image_size": True}, "image_size must be a whole number, not true"),
            ({"image_size": 200000}, "pictures of 200000 px, and the model .* takes .* 4 x 4 x 3"),
            ({"image_size": 10**400}, "image_size must be|pictures of 10000"),
            ({"class_names": None}, "class_names must be a list, not null"),
            ({"class_names": "pear"}, 'class_names must be a list, not "pear"'),
            ({"class_names": ["pear", None, "milk"]}, r"class_names\[1\] must be text, not null"),
            ({"class_names": ["pear"] * 200000}, "names 200000 classes .* 3 logits"),
            ({"data": []}, "data must be an object, not a list"),
            ({"data": {"path": "data"}}, "data lacks .*train_split"),
            ({"metrics": 0.5}, "metrics must be an object, not 0.5"),
            ({"task": ["single_label"]}, "task must be text, not a list"),
            ({"thresholds": [0.5, 2, 0.5]}, r"thresholds\[1\] must be a number from 0 to 1, not 2"),
            ({"thresholds": [float("nan")] * 3}, r"thresholds\[0\] must be a number from 0 to 1"),
            ({"thresholds": [0.5]}, "1 thresholds for 3 classes"),
            ({"colour": "x" * 10**6}, "it has the unknown colour"),
        ],
        ids=lambda x: next(iter(x)) if isinstance(x, dict) else None,
    )
    def test_changed_metadata(self, directory, change, words, tried):
        path = directory / "model.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | change))
        with pytest.raises(ValueError, match=words) as error:
            load_model(directory)
        assert re.search(
            r"train again or restore it\. Received: .*model(/model\.json)?$", str(error.value)
        )
        assert len(str(error.value)) < 1000
        shown = (
            json.dumps(change) if len(json.dumps(change)) < 60 else f"another {next(iter(change))}"
        )
        tried("models", f"model.json with {shown}", error.value)

    @pytest.mark.parametrize("text", ["[" * 10**5, '{"a":' * 10**5], ids=["lists", "objects"])
    def test_metadata_nested_without_end(self, directory, text, tried):
        (directory / "model.json").write_text(text)
        with pytest.raises(ValueError, match="nested too deeply") as error:
            load_model(directory)
        tried("models", "model.json of 100,000 nested brackets", error.value)

    def test_metadata_without_end(self, directory, tried):
        with (directory / "model.json").open("r+") as file:
            file.truncate(1 << 40)  # a file with a hole, of 1 TB
        with pytest.raises(ValueError, match="1099511627776 bytes, and at most") as error:
            load_model(directory)
        tried("models", "model.json of 1 TB", error.value)

    def test_metadata_of_an_editor_that_marks_its_files(self, directory):
        path = directory / "model.json"
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
        assert load_model(directory)[1] == _metadata()


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


def _layer(number, **fields):
    return _config(lambda config: config["config"]["layers"][number].update(fields))


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
        _config(lambda config: config["config"].update(layers=3)),
        r"\(\w+Error: ",
    ),
    "a configuration that is a list": (_config(lambda config: [config]), r"\(\w+Error: "),
    "a layer of other units": (
        _config(lambda config: config["config"]["layers"][2]["config"].update(units=7)),
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


def test_a_multi_label_model_keeps_its_thresholds():
    metadata = dataclasses.replace(
        _metadata(), task="multi_label", thresholds=(0.25, 0.123456789, 1e-9)
    )
    assert ModelMetadata.from_json(metadata.to_json()) == metadata
    with pytest.raises(ValueError, match=r"one of single_label, multi_label, not .ranking"):
        ModelMetadata.from_json(metadata.to_json().replace("multi_label", "ranking"))
