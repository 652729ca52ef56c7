"""Calibration: distinct pictures of a named split, and a cache that is never used when stale."""

import shutil

import numpy as np
import pytest

from export.calibration import calibrate
from export.exporters.tflite import export_tflite


class _Measure:
    """Stands for a runtime's measurement and counts its runs."""

    def __init__(self):
        self.runs = 0

    def __call__(self, pixels):
        self.runs += 1
        return {"x": (float(pixels.min()), float(pixels.max()))}


def test_ranges_are_measured_once(small_source, tmp_path):
    measure, cache = _Measure(), str(tmp_path / "cache.json")
    options = {"calibration_pictures": 32, "calibration_cache": cache}
    first = calibrate(small_source, "method 1", measure, **options)
    second = calibrate(small_source, "method 1", measure, **options)
    assert measure.runs == 1
    assert (first.from_cache, second.from_cache) == (False, True)
    assert {name: tuple(pair) for name, pair in second.ranges.items()} == first.ranges
    assert (first.pictures.split, len(first.pictures.pixels)) == ("train", 32)


def test_stale_ranges_are_refused(small_source, damaged, tmp_path):
    cache = str(tmp_path / "cache.json")
    options = {"calibration_pictures": 32, "calibration_cache": cache}
    calibrate(small_source, "method 1", _Measure(), **options)
    other = damaged(small_source, "body", lambda kernel: kernel * 1.001)
    for source, method, changes, words in (
        (other, "method 1", {}, "another model;"),
        (small_source, "method 2", {}, "another method;"),
        (small_source, "method 1", {"calibration_pictures": 31}, "another pictures;"),
        (small_source, "method 1", {"calibration_split": "test"}, "another pictures;"),
        (other, "method 2", {}, "another model and another method;"),
    ):
        measure = _Measure()
        with pytest.raises(ValueError, match=words):
            calibrate(source, method, measure, **options | changes)
        assert measure.runs == 0


@pytest.mark.parametrize("text", ["{", "[]", '{"key": {}}'])
def test_a_damaged_cache_is_refused(small_source, tmp_path, text):
    (tmp_path / "cache.json").write_text(text)
    with pytest.raises(ValueError, match="calibration cache is damaged"):
        calibrate(
            small_source,
            "method",
            _Measure(),
            calibration_pictures=16,
            calibration_cache=str(tmp_path / "cache.json"),
        )


def test_copies_are_refused(small_source, tiny_folder, tmp_path):
    folder = tmp_path / "copies"
    shutil.copytree(tiny_folder, folder)
    pictures = sorted((folder / "train" / "Orange").iterdir())
    shutil.copy(pictures[0], pictures[0].with_name("copy.jpg"))
    with pytest.raises(ValueError, match="Received: 1 copies among 19 pictures"):
        calibrate(small_source, "method", _Measure(), calibration_data=str(folder))


def test_pictures_shared_with_parity_are_counted(small_source, small_comparator):
    ours = calibrate(small_source, "m", _Measure(), calibration_split="test")
    theirs = calibrate(small_source, "m", _Measure())
    assert ours.describe(small_comparator)["pictures_shared_with_parity"] > 0
    assert theirs.describe(small_comparator)["pictures_shared_with_parity"] == 0
    assert ours.describe(None)["pictures_shared_with_parity"] == 0


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
