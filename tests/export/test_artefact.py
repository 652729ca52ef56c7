"""The record beside an artefact: written together or not at all, and checked when read."""

import dataclasses
import hashlib
import json
import os
import pathlib
import subprocess

import pytest

from keras_crosspool.exporting.artefact import (
    Artefact,
    atomic_artefact,
    path_bytes,
    path_sha256,
    read_artefact,
    sidecar_path,
    write_record,
)
from keras_crosspool.exporting.folder import Folder

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
    with atomic_artefact(path) as file:
        file.write_bytes(b"content")
        write_record(path, _RECORD)


def _change(path, **fields):
    sidecar = sidecar_path(path)
    sidecar.write_text(json.dumps(json.loads(sidecar.read_text()) | fields))


def test_round_trip(tmp_path):
    _write(tmp_path / "x.onnx")
    assert read_artefact(tmp_path / "x.onnx") == _RECORD
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.onnx", "x.onnx.json"]


def _fail_halfway(path):
    with atomic_artefact(path) as file:
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
        (
            lambda path: path.write_bytes(b"other"),
            "is not the one that its record",
        ),
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


_FOLDER = Folder({"graph.xml": b"<net/>", "a.b/weights": bytes(9), "a/weights": b"\xff"})


def _write_folder(path, folder=_FOLDER):
    with atomic_artefact(path, is_folder=True) as temporary:
        folder.write(temporary)
        fields = {"sha256": path_sha256(temporary), "bytes": path_bytes(temporary)}
        write_record(path, dataclasses.replace(_RECORD, **fields))


def test_a_folder_goes_round_trip(tmp_path):
    path = tmp_path / "new" / "x.openvino"
    _write_folder(path)
    assert Folder.read(path) == _FOLDER
    assert read_artefact(path).bytes == 16
    assert sorted(found.name for found in path.parent.iterdir()) == [path.name, f"{path.name}.json"]


def test_the_digest_of_a_folder_can_be_checked_by_hand(tmp_path):
    _write_folder(tmp_path / "x.openvino")
    done = subprocess.run(
        "find * -type f | LC_ALL=C sort | xargs sha256sum | sha256sum",
        shell=True,
        cwd=tmp_path / "x.openvino",
        capture_output=True,
        check=True,
    )
    assert read_artefact(tmp_path / "x.openvino").sha256 == done.stdout.decode().split()[0]


def test_a_newer_folder_replaces_all_of_the_older(tmp_path):
    path = tmp_path / "x.openvino"
    _write_folder(path)
    newer = Folder({"graph.xml": b"<other/>"})
    _write_folder(path, newer)
    assert Folder.read(path) == newer
    assert read_artefact(path).bytes == 8
    assert len(list(tmp_path.iterdir())) == 2


def _add_notes(path):
    (path / "notes.txt").write_text("mine")


@pytest.mark.parametrize(
    "spoil",
    [
        _add_notes,
        lambda path: (path / "graph.xml").write_text("mine"),
        lambda path: (path / "a" / "weights").rename(path / "weights"),
        lambda path: (path / "a" / "notes").symlink_to(path / "graph.xml"),
        lambda path: sidecar_path(path).unlink(),
    ],
)
def test_a_folder_that_is_not_as_written_is_not_replaced(tmp_path, spoil):
    path = tmp_path / "x.openvino"
    _write_folder(path)
    spoil(path)
    before = Folder.read(path)
    with pytest.raises(ValueError, match=r"not as an export wrote it.*Received: "):
        _write_folder(path, Folder({}))
    assert Folder.read(path) == before


def test_a_users_folder_is_not_replaced(tmp_path):
    path = tmp_path / "x.openvino"
    path.mkdir()
    _add_notes(path)
    with pytest.raises(ValueError, match="move that, or name another output"):
        _write_folder(path)
    assert [found.name for found in tmp_path.rglob("*")] == ["x.openvino", "notes.txt"]


def _write_and_stop(path, stop):
    with atomic_artefact(path, is_folder=True) as temporary:
        Folder({"graph.xml": b"newer"}).write(temporary)
        if stop:
            raise KeyboardInterrupt
        write_record(path, _RECORD)


@pytest.mark.parametrize("failing", ["x.openvino", "while it is written"])
def test_a_failure_leaves_the_older_folder(tmp_path, monkeypatch, failing):
    """Also where the older one is already out of the way."""
    path = tmp_path / "x.openvino"
    _write_folder(path)
    rename = pathlib.Path.rename

    def rename_once(self, target):
        if pathlib.Path(target).name == failing and len(list(tmp_path.iterdir())) == 3:
            monkeypatch.undo()
            raise KeyboardInterrupt
        return rename(self, target)

    monkeypatch.setattr(pathlib.Path, "rename", rename_once)
    with pytest.raises(KeyboardInterrupt):
        _write_and_stop(path, failing != path.name)
    assert Folder.read(path) == _FOLDER
    names = sorted(found.name for found in tmp_path.iterdir())
    assert names == ["x.openvino", "x.openvino.json"]
