"""The record beside an artefact: written together or not at all, and checked when read."""

import dataclasses
import hashlib
import json
import os

import pytest

from keras_crosspool.exporting.artefact import (
    Artefact,
    atomic_artefact,
    read_artefact,
    sidecar_path,
)

_RECORD = Artefact(
    file="x.onnx",
    format="onnx",
    precision="float32",
    sha256=hashlib.sha256(b"content").hexdigest(),
    bytes=7,
    inputs=({"name": "image"},),
    outputs=({"name": "logits"},),
    operators={"Conv": 2},
    model={"name": "m"},
    parity={"status": "off"},
    versions={},
    details={},
)


def _write(path):
    with atomic_artefact(path) as (file, sidecar):
        file.write_bytes(b"content")
        sidecar.write_text(_RECORD.to_json())


def _change(path, **fields):
    sidecar = sidecar_path(path)
    sidecar.write_text(json.dumps(json.loads(sidecar.read_text()) | fields))


def test_round_trip(tmp_path):
    _write(tmp_path / "x.onnx")
    assert read_artefact(tmp_path / "x.onnx") == _RECORD
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.onnx", "x.onnx.json"]


def _fail_halfway(path):
    with atomic_artefact(path) as (file, _):
        file.write_bytes(b"half")
        raise RuntimeError("killed")


def test_a_failure_leaves_nothing(tmp_path):
    with pytest.raises(RuntimeError, match="killed"):
        _fail_halfway(tmp_path / "x.onnx")
    assert list(tmp_path.iterdir()) == []


def test_a_failure_leaves_the_older_pair(tmp_path):
    _write(tmp_path / "x.onnx")
    with pytest.raises(RuntimeError, match="killed"):
        _fail_halfway(tmp_path / "x.onnx")
    assert read_artefact(tmp_path / "x.onnx") == _RECORD


def test_a_directory_is_no_artefact(tmp_path):
    with pytest.raises(ValueError, match="`output` is a directory"):
        _write(tmp_path)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda path: path.unlink(), "Received: no file .*x.onnx$"),
        (lambda path: sidecar_path(path).unlink(), "Received: no file .*x.onnx.json"),
        (lambda path: path.write_bytes(b"other"), "is not the one that its record describes"),
        (lambda path: sidecar_path(path).write_text("{"), "The record is damaged"),
        (lambda path: sidecar_path(path).write_text('{"file": 1}'), "Expected an object with"),
        (lambda path: sidecar_path(path).write_text("[" * 10**5), "nested too deeply"),
        (lambda path: _change(path, parity=[], inputs=3), "inputs as a list, parity as a dict"),
        (lambda path: _change(path, bytes="seven"), "Expected bytes as a int"),
        (lambda path: os.truncate(sidecar_path(path), 1 << 40), "more than 67108864 bytes"),
    ],
)
def test_what_does_not_belong_together_is_refused(tmp_path, spoil, words, tried):
    path = tmp_path / "x.onnx"
    _write(path)
    spoil(path)
    with pytest.raises(ValueError, match=words) as error:
        read_artefact(path)
    tried("export", f"an artefact or its record damaged: {words}", error.value)


def test_records_have_every_field():
    fields = dataclasses.asdict(_RECORD)
    fields.pop("parity")
    with pytest.raises(ValueError, match="parity"):
        Artefact.from_json(str(fields).replace("'", '"').replace("(", "[").replace(",)", "]"))


@pytest.mark.parametrize("text", ["my notes", "[1, 2]", '{"colour": "red"}'])
def test_a_file_that_no_export_wrote_is_not_replaced(tmp_path, text):
    notes = tmp_path / "model.tflite.json"
    notes.write_text(text)
    with (
        pytest.raises(ValueError, match=rf"no export wrote.*Received: {notes}"),
        atomic_artefact(tmp_path / "model.tflite"),
    ):
        pass
    assert notes.read_text() == text
    assert [path.name for path in tmp_path.iterdir()] == [notes.name]
