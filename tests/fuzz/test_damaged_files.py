"""Damaged files of a model, of descriptors, of a checkpoint, of an artefact: loaded, or refused.

Each case damages one file of a whole folder in a way that its seed decides, and loads it by the
function that the mains use. It must load, or end in an error that mains show in one line: within
ten seconds, and without any byte of the files changed. `--fuzz` runs 300 cases, else 60.
"""

import contextlib
import csv
import io
import json
import random
import shutil
import signal
import warnings
import zipfile

import keras
import numpy as np
import pytest

from benchmarks.latency.results import read_results
from keras_crosspool import load_model
from keras_crosspool.exporting.artefact import (
    Artefact,
    atomic_artefact,
    path_sha256,
    read_artefact,
    write_record,
)
from keras_crosspool.fine_tuning.checkpoints import Checkpoints
from keras_crosspool.mains import _USER_ERRORS
from keras_crosspool.models.directory import save_model
from keras_crosspool.models.metadata import ModelMetadata
from keras_crosspool.retrieval import open_descriptors
from keras_crosspool.retrieval.neighbours import nearest
from keras_crosspool.retrieval.record import ExtractionRecord
from keras_crosspool.retrieval.store import write_index
from tests.small_models import flat_classifier

SECONDS = 10
_RUN = {"seed": 0, "crops": [1.0, 0.8], "data": "photos"}


class Hang(BaseException):
    """No error of the product's: nothing catches it."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A folder with one of each. Do not change it."""
    folder = tmp_path_factory.mktemp("whole")
    _make_model(folder / "model")
    _make_descriptors(folder / "descriptors")
    with Checkpoints(folder / "checkpoints", _RUN) as checkpoints:
        for number in (1, 2):
            checkpoints.save(number, {"weights": np.arange(9.0)}, {"step": number, "logs": {}})
    _make_artefact(folder / "artefact" / "x.onnx")
    (folder / "latency").mkdir()
    (folder / "latency" / "latency.json").write_text(
        json.dumps(
            {
                "machine": {"cpu": "any"}, "versions": {"keras": "3"}, "settings": {"rounds": 10},
                "images": {"sha256": "0" * 64},
                "runtimes": [
                    {"name": "keras", "samples_ns": [[1, 2], [3, 4]], "summary": {"p50_ms": 2.5}}
                ],
            }
        )
    )  # fmt: skip
    return folder


def _make_model(directory):
    keras.utils.set_random_seed(0)
    image = keras.Input((8, 8, 3))
    x = keras.layers.Rescaling(1 / 127.5, -1.0)(image)
    x = keras.layers.Conv2D(4, 3, activation="relu")(x)
    data = {"path": "photos", "train_split": "train", "val_split": None, "fingerprint": "0"}
    metadata = ModelMetadata("tiny", ("pear", "plum"), 8, {"mirror": True}, data, {}, {"loss": 0.5})
    save_model(directory, flat_classifier(image, x, metadata.class_names), metadata)


def _make_descriptors(directory):
    directory.mkdir()
    record = ExtractionRecord(
        model="tiny", model_fingerprint="1", image_size=8, data="photos", split="train",
        data_fingerprint="2", skip_broken=False, images=5, format="float32", dims=6,
        batch_size=1, shard_size=3, versions={},
    )  # fmt: skip
    (directory / "descriptors.json").write_text(record.to_json())
    write_index(directory / "index.csv", [(f"{i}.jpg", ("pear",)) for i in range(5)], 3)
    rows = np.random.default_rng(0).normal(size=(5, 6)).astype("float32")
    np.save(directory / "descriptors-00000.npy", rows[:3])
    np.save(directory / "descriptors-00001.npy", rows[3:])


def _make_artefact(path):
    path.parent.mkdir()
    with atomic_artefact(path) as file:
        file.write_bytes(b"a model for another runtime" * 20)
        record = Artefact(
            file=path.name, format="onnx", precision="float32", sha256=path_sha256(file), bytes=540,
            inputs=({"name": "image"},), outputs=({"name": "logits"},), operators={"Conv": 2},
            model={"name": "m"}, parity={"status": "off"}, versions={}, details={},
        )  # fmt: skip
        write_record(path, record)


def _search(directory):
    return nearest(open_descriptors(directory), np.ones((2, 6), "float32"))


def _take_up(directory):
    with Checkpoints(directory, _RUN) as checkpoints:
        return checkpoints.newest()


# What is damaged, how it is loaded, and the part of all cases that it takes.
SUBJECTS = {
    "model/model.json": (load_model, 0.2),
    "model/model.keras": (load_model, 0.2),
    "descriptors/descriptors.json": (_search, 0.1),
    "descriptors/index.csv": (_search, 0.1),
    "descriptors/descriptors-00001.npy": (_search, 0.1),
    "checkpoints/run.json": (_take_up, 0.05),
    "checkpoints/step-00000002/state.json": (_take_up, 0.05),
    "checkpoints/step-00000002/arrays.npz": (_take_up, 0.05),
    "artefact/x.onnx.json": (lambda folder: read_artefact(folder / "x.onnx"), 0.05),
    "artefact/x.onnx": (lambda folder: read_artefact(folder / "x.onnx"), 0.05),
    "latency/latency.json": (lambda folder: read_results(folder / "latency.json"), 0.05),
}


def _flip_bits(data, rng):
    data = bytearray(data)
    for _ in range(rng.choice((1, 1, 3, 100))):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return bytes(data)


def _zeros(data, rng):
    start = rng.randrange(len(data))
    return data[:start] + bytes(min(512, len(data) - start)) + data[start + 512 :]


def _random_bytes(data, rng):
    start = rng.randrange(len(data))
    return data[:start] + rng.randbytes(rng.choice((1, 8, 4096))) + data[start:]


BYTES = (
    _flip_bits,
    _flip_bits,
    _zeros,
    _random_bytes,
    lambda data, rng: data[: rng.randrange(len(data))],
    lambda data, rng: data + data,
    lambda data, rng: b"",
    lambda data, rng: rng.randbytes(len(data)),
    lambda data, rng: b"\xef\xbb\xbf" + data,
)


def _nested(depth):
    value = 0
    for _ in range(depth):
        value = [value]
    return value


def _values(rng):
    return rng.choice(
        (None, True, 0, -1, 3.7, 10**30, float("nan"), float("inf"), "", "text", "x" * 100_000, [],
         {}, [None], {"a": 1}, [[]] * 1000, _nested(50))
    )  # fmt: skip


def _change_json(data, rng):
    """Replaces, removes, doubles or adds a value anywhere in a JSON text."""
    root = [json.loads(data)]
    places = list(_places(root))
    container, key = rng.choice(places)
    action = rng.choice(("replace", "replace", "remove", "wrap", "add", "nest"))
    if action == "replace":
        container[key] = _values(rng)
    elif action == "remove" and container is not root:
        del container[key]
    elif action == "wrap":
        container[key] = [container[key]]
    elif action == "add" and isinstance(container, dict):
        container["another"] = _values(rng)
    elif action == "nest":
        return b'{"a":' * 50_000
    return json.dumps(root[0]).encode()


def _places(container):
    keys = range(len(container)) if isinstance(container, list) else container
    for key in list(keys):
        yield container, key
        if isinstance(container[key], list | dict):
            yield from _places(container[key])


def _change_archive(data, rng):
    """Changes the configuration or the weights in a `.keras` file; its checksums are right."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    name = rng.choice(("config.json", "config.json", "config.json", "model.weights.h5"))
    if name == "config.json":
        parts[name] = _change_json(parts[name], rng)
    elif rng.random() < 0.3:
        del parts[name]
    else:
        parts[name] = rng.choice(BYTES)(parts[name], rng)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for part, content in parts.items():
            archive.writestr(part, content)
    return buffer.getvalue()


def _change_table(data, rng):
    rows = list(csv.reader(io.StringIO(data.decode())))
    row = rng.randrange(len(rows))
    field = rng.randrange(4)
    action = rng.choice(("shuffle", "drop", "twice", "field", "more", "long"))
    if action == "shuffle":
        rng.shuffle(rows)
    elif action == "drop":
        del rows[row]
    elif action == "twice":
        rows.insert(row, rows[row])
    elif action == "field":
        rows[row][field] = rng.choice(("", "-1", "1e3", "\x00", "9" * 5000, "text", "2.0"))
    elif action == "more":
        rows[row].insert(field, "more")
    else:
        rows[row][field] = "x" * 200_000
    buffer = io.StringIO()
    csv.writer(buffer, delimiter=rng.choice(",,,,;\t")).writerows(rows)
    return buffer.getvalue().encode()


FORMATS = {".json": _change_json, ".keras": _change_archive, ".csv": _change_table}


def _damaged(data, suffix, rng):
    damages = [rng.choice(BYTES)]
    if suffix in FORMATS:
        damages += [FORMATS[suffix]] * 2
    return rng.choice(damages)(data, rng)


@contextlib.contextmanager
def _limit(seconds):
    def ring(*_):
        raise Hang

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def _contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("subject", SUBJECTS)
def test_damaged_files_load_or_are_refused(subject, whole, tmp_path, request, tried):
    load, part = SUBJECTS[subject]
    cases = round(part * (300 if request.config.option.fuzz else 60))
    name, _, file = subject.partition("/")
    loaded = 0
    for seed in range(cases):
        folder = shutil.copytree(whole / name, tmp_path / str(seed))
        path = folder / file
        path.write_bytes(_damaged(path.read_bytes(), path.suffix, random.Random(seed)))
        before = _contents(folder)
        try:
            with _limit(SECONDS), warnings.catch_warnings(action="ignore"):
                load(folder)
            loaded += 1
        except _USER_ERRORS as error:
            assert len(str(error)) < 3000, (seed, str(error)[:300])  # noqa: PT017
        except BaseException as error:
            raise AssertionError(f"case {seed} of {subject}: {error!r}"[:2000]) from error
        after = _contents(folder)
        assert {path: after.get(path) for path in before} == before, seed
        shutil.rmtree(folder)
    keras.backend.clear_session()
    if request.config.option.fuzz:
        said = f"{loaded} loaded, {cases - loaded} refused in one line"
        tried("models", f"{cases} random damages of {file}", said)
