"""Extraction: the model's own descriptors, the same bytes after any kill, all else refused."""

import csv
import dataclasses
import json
import pathlib
import shutil
import subprocess
import sys
import time

import keras
import numpy as np
import pytest

from keras_crosspool import load_model
from keras_crosspool.data import read_image
from keras_crosspool.retrieval import FORMATS, extract, job, open_descriptors, unpack
from keras_crosspool.retrieval.store import INDEX_FILE, RECORD_FILE, read_index

ROOT = pathlib.Path(__file__).parents[2]
SIZE = 32  # pixels, of the small model


def _contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def _extract(model, output, **arguments):
    return extract(model, output, **{"batch_size": 2, "shard_size": 4} | arguments)


@pytest.fixture(scope="module")
def images(tiny_folder):
    """The training images in order, by their paths."""
    folders = sorted((tiny_folder / "train").iterdir())
    return [path for folder in folders for path in sorted(folder.iterdir())]


@pytest.fixture(scope="module")
def expected(small_model, images):
    """The descriptors, image by image."""
    model, _ = load_model(small_model)
    extractor = keras.Model(model.input, model.get_layer("logits").input)
    rows = [extractor(read_image(p, SIZE)[None].astype("float32")) for p in images]
    return np.concatenate([keras.ops.convert_to_numpy(row) for row in rows])


@pytest.fixture(scope="module")
def whole(small_model, tmp_path_factory):
    """An extraction of 18 images that nothing disturbed. Do not change it."""
    return _extract(small_model, tmp_path_factory.mktemp("whole") / "descriptors")


def test_descriptors_and_index(whole, expected, images):
    assert (whole.computed, whole.store.record.images, whole.store.record.dims) == (18, 18, 1152)
    assert whole.seconds > 0
    shards = list(whole.store.shards())
    assert [(start, len(rows)) for start, rows in shards] == [
        (0, 4), (4, 4), (8, 4), (12, 4), (16, 2)
    ]  # fmt: skip
    rows = np.concatenate([rows for _, rows in shards])
    assert rows.dtype == "float16"
    np.testing.assert_allclose(rows, expected, atol=1e-4)
    with (whole.store.directory / INDEX_FILE).open(newline="") as file:
        index = list(csv.DictReader(file))
    assert [row["image"] for row in index] == [str(path) for path in images]
    assert [row["classes"] for row in index] == [path.parent.name for path in images]
    assert [divmod(i, 4) for i in range(18)] == [(int(r["shard"]), int(r["row"])) for r in index]


def test_every_format_keeps_the_same_descriptors(small_model, whole, expected, tmp_path):
    stores = {
        name: _extract(small_model, tmp_path / name, format=name, shard_size=18).store
        for name in FORMATS
    }
    rows = {name: shard for name, store in stores.items() for _, shard in store.shards()}
    np.testing.assert_allclose(rows["float32"], expected, atol=1e-5)
    np.testing.assert_array_equal(rows["float16"], rows["float32"].astype("float16"))
    ternary = unpack(rows["packed"], 1152)
    kept = round(0.1 * 1152)
    for row, descriptor in zip(ternary, rows["float32"], strict=True):
        largest = np.argsort(-np.abs(descriptor))[:kept]
        assert set(np.flatnonzero(row)) == set(largest)
        np.testing.assert_array_equal(row[largest], np.sign(descriptor[largest]))


class Killed(BaseException):
    """Stands for a kill: no handler of errors sees it."""


@pytest.mark.parametrize("written", range(5))
def test_taken_up_after_an_end_anywhere(
    small_model, whole, tmp_path, monkeypatch, written, half_written
):
    output = tmp_path / "descriptors"
    write, count = job._write_shard, 0

    def write_some(*arguments):
        nonlocal count
        if count == written:
            raise Killed
        yield from write(*arguments)
        count += 1

    monkeypatch.setattr(job, "_write_shard", write_some)
    with pytest.raises(Killed):
        _extract(small_model, output)
    with pytest.raises(ValueError, match=rf"{5 - written} of 5 shards are missing; run"):
        open_descriptors(output)
    # What a killed process leaves behind.
    half_written(output / "descriptors-00004.npy").write_bytes(b"half")
    monkeypatch.undo()
    done = _extract(small_model, output)
    assert done.computed == 18 - 4 * written
    assert _contents(output) == _contents(whole.store.directory)


@pytest.mark.parametrize("file", [RECORD_FILE, INDEX_FILE])
def test_taken_up_after_a_kill_at_the_start(small_model, whole, tmp_path, file, half_written):
    output = tmp_path / "descriptors"
    shutil.copytree(whole.store.directory, output)
    for path in output.iterdir():
        if file == RECORD_FILE or path.name != RECORD_FILE:
            path.unlink()
    half_written(output / file).write_text("{")
    assert _extract(small_model, output).computed == 18
    assert _contents(output) == _contents(whole.store.directory)


def test_shards_that_are_missing_anywhere_are_filled_in(small_model, whole, tmp_path):
    output = tmp_path / "descriptors"
    shutil.copytree(whole.store.directory, output)
    for number in (0, 2, 4):
        (output / f"descriptors-{number:05d}.npy").unlink()
    kept = (output / "descriptors-00001.npy").stat()
    with pytest.raises(ValueError, match=r"3 of 5 shards are missing; run"):
        open_descriptors(output)
    assert _extract(small_model, output).computed == 4 + 4 + 2
    assert _contents(output) == _contents(whole.store.directory)
    assert (output / "descriptors-00001.npy").stat().st_ino == kept.st_ino


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 64 kB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("only root mounts disks")
    yield disk
    subprocess.run(["umount", disk], check=True)


def test_a_full_disk_is_an_error_and_the_work_is_taken_up(small_model, whole, small_disk, tried):
    """Where a file without room is mapped into memory, SIGBUS ends the process instead."""
    output = small_disk / "descriptors"
    (small_disk / "other").write_bytes(bytes(28_000))
    with pytest.raises(OSError, match=r"No space left on device: '.*descriptors-0000") as error:
        _extract(small_model, output)
    assert not [path.name for path in output.iterdir() if path.name.startswith(".")]
    for path in output.glob("descriptors-*.npy"):
        assert path.read_bytes() == (whole.store.directory / path.name).read_bytes()
    (small_disk / "other").unlink()
    assert _extract(small_model, output).computed < 18
    assert _contents(output) == _contents(whole.store.directory)
    tried("files", "extract onto a full disk", error.value)


def test_same_bytes_after_sigkill(small_model, copy_images, tmp_path):
    data = copy_images(tmp_path / "data", {"train": 20})
    arguments = {"data": str(data), "split": "train", "batch_size": 1, "shard_size": 1}
    command = [sys.executable, "-m", "keras_crosspool.extract", f"--model={small_model}"]
    command += [f"--{name}={value}" for name, value in arguments.items()]
    killed, shards = tmp_path / "killed", 0
    with subprocess.Popen([*command, f"--output={killed}"], cwd=ROOT) as process:
        while process.poll() is None and not shards:
            shards = len(list(killed.glob("descriptors-*.npy")))
            time.sleep(0.0005)
        process.kill()
    assert process.returncode == -9
    assert len(list(killed.glob("descriptors-*.npy"))) < 60
    assert 0 < extract(small_model, killed, **arguments).computed < 60
    extract(small_model, tmp_path / "whole", **arguments)
    assert _contents(killed) == _contents(tmp_path / "whole")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"format": "packed"}, r"made with other settings.*with format float16, not packed$"),
        ({"batch_size": 1}, r"batch_size 2, not 1$"),
        ({"shard_size": 8}, r"shard_size 4, not 8$"),
        ({"split": "test"}, r"split train, not test; data_fingerprint .*; images 18, not 12$"),
        ({"format": "int8"}, r"one of float32, float16, packed\. Received: 'int8'"),
        ({"shard_size": 3}, r"multiple of the batch size\. Received: 3 and 2"),
    ],
)
def test_other_settings_are_refused(small_model, whole, arguments, words):
    before = _contents(whole.store.directory)
    with pytest.raises(ValueError, match=words):
        _extract(small_model, whole.store.directory, **arguments)
    assert _contents(whole.store.directory) == before


def test_another_model_is_refused(save_small_model, whole, tiny_folder, tmp_path):
    other = save_small_model(tmp_path / "other", tiny_folder, seed=1)
    with pytest.raises(ValueError, match=r"model small-0, not small-1; model_fingerprint "):
        _extract(other, whole.store.directory)


def test_another_classifier_is_the_same_model(small_model, whole, tmp_path):
    model, _ = load_model(small_model)
    model.get_layer("logits").assign(np.zeros((1152, 3)), np.zeros(3), 0.0)
    shutil.copytree(small_model, tmp_path / "solved")
    model.save(tmp_path / "solved" / "model.keras")
    assert _extract(tmp_path / "solved", whole.store.directory).computed == 0


def test_a_folder_of_something_else_is_refused(small_model, tmp_path):
    (tmp_path / "photo.jpg").write_text("mine")
    with pytest.raises(ValueError, match=r"no folder of descriptors: descriptors\.json is missing"):
        _extract(small_model, tmp_path)
    with pytest.raises(ValueError, match=r"this is a file\. Received: .*photo\.jpg"):
        _extract(small_model, tmp_path / "photo.jpg")
    assert [path.name for path in tmp_path.iterdir()] == ["photo.jpg"]


def test_broken_images_are_left_out(small_model, tiny_folder, expected, images, tmp_path):
    data = tmp_path / "data"
    shutil.copytree(tiny_folder, data)
    broken = data / images[3].relative_to(tiny_folder)
    broken.write_bytes(b"no image")
    done = _extract(small_model, tmp_path / "out", data=str(data), skip_broken=True)
    rows = np.concatenate([rows for _, rows in done.store.shards()])
    np.testing.assert_allclose(rows, np.delete(expected, 3, axis=0), atol=1e-4)
    assert str(broken) not in {entry.image for entry in done.store.index}
    assert len(done.store.index) == 17


def test_a_descriptor_that_is_not_finite_is_refused(small_model, tiny_folder, tmp_path):
    model, _ = load_model(small_model)
    kernel, bias = model.layers[2].get_weights()
    model.layers[2].set_weights([kernel * np.nan, bias])
    shutil.copytree(small_model, tmp_path / "diverged")
    model.save(tmp_path / "diverged" / "model.keras")
    with pytest.raises(FloatingPointError, match=r"finite.*Received: NaN or infinity"):
        _extract(tmp_path / "diverged", tmp_path / "out")
    assert list((tmp_path / "out").glob("*.npy")) == []


def test_the_index_names_every_label(small_model, images, tmp_path):
    folder = tmp_path / "data" / "train"
    folder.mkdir(parents=True)
    labels = {"a,b.jpg": ("Anjou", "Orange"), 'say "c".jpg': (), "ü.jpg": ("Orange",)}
    with (folder / "labels.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(
            [("file", "labels"), *((name, ";".join(names)) for name, names in labels.items())]
        )
    for name, image in zip(labels, images, strict=False):
        shutil.copy(image, folder / name)
    _extract(small_model, tmp_path / "out", data=str(tmp_path / "data"))
    expected = [
        (str(folder / name), names, 0, row) for row, (name, names) in enumerate(labels.items())
    ]
    assert [dataclasses.astuple(entry) for entry in read_index(tmp_path / "out")] == expected


def test_the_split_is_that_of_the_training(save_small_model, tiny_folder, tmp_path):
    folder = tmp_path / "photos"
    shutil.copytree(tiny_folder / "train", folder / "day1")
    model = save_small_model(tmp_path / "model", folder)
    record = json.loads((model / "model.json").read_text())
    record["data"]["train_split"] = "day1"
    (model / "model.json").write_text(json.dumps(record))
    assert _extract(model, tmp_path / "descriptors").store.record.split == "day1"
