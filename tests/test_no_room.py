"""Whatever writes an output and has no room names the file that it could not write."""

import contextlib
import os
import pathlib
import resource
import signal
from types import SimpleNamespace

import numpy as np
import pytest

from keras_crosspool.array_file import ArrayFile
from keras_crosspool.audit.output import write_audit
from keras_crosspool.audit.report import AuditReport
from keras_crosspool.audit.trial import Trial
from keras_crosspool.exporting.artefact import Artefact, atomic_artefact, write_record
from keras_crosspool.exporting.folder import Folder, write_content
from keras_crosspool.exporting.triton import write_repository
from keras_crosspool.fine_tuning.checkpoints import Checkpoints
from keras_crosspool.models.directory import add_files, save_model
from keras_crosspool.models.metadata import ModelMetadata
from keras_crosspool.models.training_scores import TrainingScores
from keras_crosspool.records import write_json

_LIMIT = 8192  # bytes of a file
_LARGE = os.urandom(_LIMIT + 1)


@contextlib.contextmanager
def _limited():
    """A limit of file sizes: it says so when it is reached, as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (_LIMIT, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)


def _record(**details):
    return Artefact(
        "x.onnx", "onnx", "float32", "", 0, ({"name": "image", "shape": [1, 4, 4, 3],
        "dtype": "float32"},), ({"name": "logits", "shape": [1, 3], "dtype": "float32"},), {},
        {"class_names": ["a", "b", "c"]}, {}, {}, details,
    )  # fmt: skip


def _artefact(path, content, **details):
    with atomic_artefact(path, isinstance(content, Folder)) as file:
        write_content(content, file)
        write_record(path, _record(**details))


def _model(folder, network):
    metadata = ModelMetadata(
        "tiny", tuple(network.class_names), 16, {},
        {"path": "", "train_split": "train", "val_split": None, "fingerprint": "0"}, {},
        TrainingScores(),
    )  # fmt: skip
    save_model(folder / "model", network, metadata)


def _checkpoint(folder):
    with Checkpoints(folder / "model.checkpoints", {}) as checkpoints:
        checkpoints.save(1, {"weights": np.zeros(_LIMIT, "uint8")}, {})


def _descriptors(folder):
    def write(target):
        (target / "small").write_text("written before")
        with ArrayFile(target / "descriptors.npy", "float32", (2, _LIMIT)) as file:
            file.append(np.zeros((2, _LIMIT)))

    add_files(folder / "model", write)


def _audit(folder):
    report = AuditReport("d" * _LIMIT, {}, 1, "", Trial(0, 0.0, 0.0), (), (), (), (), (), 0.0)
    write_audit(folder / "audit", report, SimpleNamespace())


WRITERS = {
    "file": (lambda folder: _artefact(folder / "y.onnx", _LARGE), "y.onnx"),
    "folder": (
        lambda folder: _artefact(folder / "y.openvino", Folder({"a": b"", "b/model.bin": _LARGE})),
        "y.openvino/b/model.bin",
    ),
    "record": (
        lambda folder: _artefact(folder / "y.onnx", b"small", text="x" * _LIMIT),
        "y.onnx.json",
    ),
    "Triton": (
        lambda folder: write_repository(folder / "x.onnx", _record()),
        "x-triton/x_onnx/1/model.onnx",
    ),
    "checkpoint": (_checkpoint, "model.checkpoints/step-00000001/arrays.npz"),
    "descriptors": (_descriptors, "model/descriptors.npy"),
    "audit": (_audit, "audit/audit.json"),
    "scores": (lambda folder: write_json(folder / "scores.json", "x" * _LIMIT), "scores.json"),
}


@pytest.mark.parametrize("name", WRITERS)
def test_the_file_that_has_no_room_is_named(tmp_path, name, tried):
    write, path = WRITERS[name]
    (tmp_path / "x.onnx").write_bytes(_LARGE)
    (tmp_path / "model").mkdir()
    with pytest.raises(OSError, match="File too large") as error, _limited():
        write(tmp_path)
    assert f"'{tmp_path / path}'" in str(error.value)
    if name in ("file", "folder"):
        assert "File too large, 0.01 MB are needed" in str(error.value)
    assert [found.name for found in tmp_path.rglob("*") if found.is_file()] == ["x.onnx"]
    if name == "file":
        tried("files", "an export where the disk has no room for the file", error.value)


def test_a_model_directory_names_the_model(tmp_path, tiny_network):
    with pytest.raises(OSError, match="File too large") as error, _limited():
        _model(tmp_path, tiny_network())
    assert pathlib.Path(error.value.filename) == tmp_path / "model" / "model.keras"
    assert list(tmp_path.rglob("*")) == []
