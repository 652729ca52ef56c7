"""Calibration: distinct images of a named split, and a cache that is never used when stale."""

import dataclasses
import json
import logging
import shutil

import numpy as np
import pytest

from keras_crosspool.data import open_split
from keras_crosspool.exporting.calibration import calibrate
from keras_crosspool.exporting.images import read_images
from keras_crosspool.exporting.statistics import Statistics
from keras_crosspool.exporting.tflite.exporter import export_tflite


class _Measure:
    """Stands for a runtime's measurement and counts its runs."""

    def __init__(self):
        self.runs = 0

    def __call__(self, pixels):
        self.runs += 1
        return Statistics({"x": (float(pixels.min()), float(pixels.max()))}, {"kernel": [0.5]})


def test_ranges_are_measured_once(small_source, tmp_path):
    measure, cache = _Measure(), str(tmp_path / "cache.json")
    options = {"calibration_images": 32, "calibration_cache": cache}
    first = calibrate(small_source, "method 1", measure, **options)
    second = calibrate(small_source, "method 1", measure, **options)
    assert measure.runs == 1
    assert (first.from_cache, second.from_cache) == (False, True)
    ranges = {name: tuple(pair) for name, pair in second.statistics.ranges.items()}
    assert ranges == first.statistics.ranges
    assert second.statistics.shifts == first.statistics.shifts
    assert (first.images.split, len(first.images.pixels)) == ("train", 32)


def test_stale_ranges_are_refused(small_source, damaged, tmp_path):
    cache = str(tmp_path / "cache.json")
    options = {"calibration_images": 32, "calibration_cache": cache}
    calibrate(small_source, "method 1", _Measure(), **options)
    other = damaged(small_source, "body", lambda kernel: kernel * 1.001)
    for source, method, changes, words in (
        (other, "method 1", {}, "another model;"),
        (small_source, "method 2", {}, "another method;"),
        (small_source, "method 1", {"calibration_images": 31}, "another images;"),
        (small_source, "method 1", {"calibration_split": "test"}, "another images;"),
        (other, "method 2", {}, "another model and another method;"),
    ):
        measure = _Measure()
        with pytest.raises(ValueError, match=words):
            calibrate(source, method, measure, **options | changes)
        assert measure.runs == 0


_WHOLE = {"key": {}, "ranges": {}, "shifts": {}, "sha256": "0"}


@pytest.mark.parametrize(
    ("what", "content"),
    [
        ("an open brace", b"{"),
        ("a list", b"[]"),
        ("no UTF-8", b"\xff\xfe\x00"),
        ("a list 100000 deep", b"[" * 100000),
        ("without ranges", b'{"key": {}}'),
        ("of another digest", json.dumps(_WHOLE).encode()),
    ],
    ids=["brace", "list", "no text", "deep", "no ranges", "digest"],
)
def test_a_damaged_cache_is_refused(small_source, tmp_path, tried, what, content):
    cache = tmp_path / "cache.json"
    cache.write_bytes(content)
    options = {"calibration_images": 16, "calibration_cache": str(cache)}
    with pytest.raises(ValueError, match=r"cache\.json is damaged|cache was changed") as refused:
        calibrate(small_source, "method", _Measure(), **options)
    assert cache.read_bytes() == content
    assert len(str(refused.value)) < 600
    tried("files", f"a calibration cache: {what}", refused.value)


@pytest.mark.parametrize(
    "change",
    [
        lambda cache: cache["ranges"].update(x=[0.0, 1.0]),
        lambda cache: cache["ranges"].clear(),
        lambda cache: cache["key"].update(method="another method"),
    ],
    ids=["range", "no ranges", "key"],
)
def test_an_altered_cache_is_refused(small_source, tmp_path, tried, change):
    cache = tmp_path / "cache.json"
    options = {"calibration_images": 16, "calibration_cache": str(cache)}
    calibrate(small_source, "method", _Measure(), **options)
    content = json.loads(cache.read_text())
    change(content)
    cache.write_text(json.dumps(content))
    measure = _Measure()
    with pytest.raises(ValueError, match="cache was changed") as refused:
        calibrate(small_source, "method", measure, **options)
    assert measure.runs == 0
    if content["ranges"].get("x") == [0.0, 1.0]:
        tried("files", "a calibration cache with a range altered by hand", refused.value)


def test_copies_are_left_out(small_source, tiny_folder, tmp_path, caplog, tried):
    folder = tmp_path / "copies"
    shutil.copytree(tiny_folder, folder)
    images = sorted((folder / "train" / "Orange").iterdir())
    shutil.copy(images[0], images[0].with_name("copy.jpg"))
    shutil.copy(images[0], folder / "train" / "Anjou" / "copy.jpg")
    options = {"calibration_split": "train"}
    with caplog.at_level(logging.WARNING, "absl"):
        found, whole = (
            calibrate(small_source, "m", _Measure(), calibration_data=str(data), **options)
            for data in (folder, tiny_folder)
        )
    assert "2 of 20 images" in caplog.text
    hashes = found.images.hashes()
    assert len(set(hashes)) == len(hashes) == 18
    assert set(hashes) == set(whole.images.hashes())
    assert found.to_dict(None)["images"] == 18
    tried("export", "int8 with an image twice in the calibration split", caplog.records[0].message)


def test_the_split_is_that_of_the_training(small_source, tiny_folder, tmp_path):
    """The folder calls its splits otherwise, and the model knows how."""
    folder = tmp_path / "photos"
    shutil.copytree(tiny_folder / "train", folder / "day1")
    shutil.copytree(tiny_folder / "test", folder / "day2")
    data = {"path": str(folder), "train_split": "day1", "val_split": "day2"}
    source = _trained_on(small_source, data)
    assert calibrate(source, "m", _Measure()).images.split == "day1"
    chosen = calibrate(source, "m", _Measure(), calibration_split="day2")
    assert chosen.images.split == "day2"
    assert read_images(source.metadata, "parity").split == "day2"


def test_a_slice_of_a_split_stays_a_slice(small_source, tiny_folder, monkeypatch):
    """Else int8 would be calibrated on the images that it is judged by."""
    opened = []

    def open_slice(data, split, *arguments, **options):
        opened.append(split)
        return open_split(str(tiny_folder), "train", *arguments, **options)

    monkeypatch.setattr("keras_crosspool.exporting.images.open_split", open_slice)
    data = {"path": "tfds:photos", "train_split": "train[:80%]", "val_split": "train[80%:]"}
    source = _trained_on(small_source, data)
    calibrate(source, "m", _Measure())
    read_images(source.metadata, "parity")
    assert opened == ["train[:80%]", "train[80%:]"]


def _trained_on(source, data):
    return dataclasses.replace(source, metadata=dataclasses.replace(source.metadata, data=data))


def test_images_shared_with_parity_are_counted(small_source, small_comparator):
    ours = calibrate(small_source, "m", _Measure(), calibration_split="test")
    theirs = calibrate(small_source, "m", _Measure())
    assert ours.to_dict(small_comparator)["images_shared_with_parity"] > 0
    assert theirs.to_dict(small_comparator)["images_shared_with_parity"] == 0
    assert ours.to_dict(None)["images_shared_with_parity"] == 0


def test_int8_from_the_cache_is_the_same_file(small_source, tmp_path):
    cache, contents = tmp_path / "cache.json", []
    for name in ("first", "second"):
        path = tmp_path / f"{name}.tflite"
        record = export_tflite(small_source, path, "int8", calibration_cache=str(cache))
        contents.append(path.read_bytes())
    assert record.details["calibration"]["from_cache"]
    assert contents[0] == contents[1]


def test_the_ranges_are_those_of_the_activations(exported):
    """Exact where a value is computed pixel by pixel; a ReLU6 gives 0 to 6 at most."""
    ranges = exported("tflite", "int8", ".tflite")[1].details["calibration"]["ranges"]
    assert ranges["serving_default_image:0"] == (0.0, 255.0)
    rescaled = next(pair for name, pair in ranges.items() if name.endswith("rescaling_1/add"))
    np.testing.assert_allclose(rescaled, [-127 / 128, 1.0], atol=1e-6)
    relu6 = [pair for name, pair in ranges.items() if "activation_1/Relu6" in name]
    assert len(relu6) == 33
    assert all(0 <= low < high <= 6 for low, high in relu6)
