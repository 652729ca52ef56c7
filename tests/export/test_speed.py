"""The gate on speed, with a clock that only the stand-ins for runtimes move."""

import logging

import numpy as np
import pytest

from keras_crosspool.exporting import formats, speed
from keras_crosspool.exporting.onnx.exporter import export_onnx
from keras_crosspool.exporting.speed import SlowerError, Speed
from keras_crosspool.exporting.tflite.exporter import export_tflite

compare_speed = speed.compare_speed  # before the other tests' stand-in takes its place

_BATCH = np.zeros((1, 4, 4, 3), "float32")


class _Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


class _Runtime:
    """Takes as many seconds as it is told, one number a run and then the last one for ever."""

    def __init__(self, clock, *seconds):
        self._clock, self._seconds, self.runs = clock, list(seconds), 0

    def run(self, batch):
        self._clock.now += self._seconds[min(self.runs, len(self._seconds) - 1)]
        self.runs += 1


def test_the_shortest_runs_are_compared():
    clock = _Clock()
    int8, float32 = _Runtime(clock, 50, 9, 9, 2, 9), _Runtime(clock, 90, 7, 4, 30)
    found = compare_speed(int8, float32, _BATCH, clock)
    assert (found.milliseconds, found.float32_milliseconds) == (2000, 4000)
    assert found.ratio == 0.5
    assert found.to_dict()["ratio"] == 0.5


def test_a_faster_file_shows_it_in_three_rounds():
    clock = _Clock()
    int8, float32 = _Runtime(clock, 1), _Runtime(clock, 2)
    assert compare_speed(int8, float32, _BATCH, clock).rounds == 3
    assert int8.runs == float32.runs == 1 + 3 * 3


def test_disturbed_rounds_do_not_count():
    """Twenty disturbed runs, then one round in peace."""
    clock = _Clock()
    int8, float32 = _Runtime(clock, *[40] * 20, 1), _Runtime(clock, 2)
    found = compare_speed(int8, float32, _BATCH, clock)
    assert (found.ratio, found.rounds) == (0.5, 7)


def test_a_slower_file_goes_through_all_rounds():
    clock = _Clock()
    found = compare_speed(_Runtime(clock, 3), _Runtime(clock, 1), _BATCH, clock)
    assert (found.ratio, found.rounds) == (3, 12)


@pytest.mark.parametrize(
    ("export", "name"),
    [(export_tflite, "x.tflite"), (export_onnx, "x.onnx")],
    ids=["tflite", "onnx"],
)
def test_a_slower_file_is_refused(
    small_source, small_comparator, empty_after, monkeypatch, tried, export, name
):
    monkeypatch.setattr(speed, "compare_speed", lambda *_: Speed(2.7, 1.0, 12))
    with empty_after() as directory, pytest.raises(SlowerError, match=r"2\.70 times") as refused:
        export(small_source, directory / name, "int8", small_comparator)
    tried("export", f"int8 {name[2:]} that is slower than float32 here", refused.value)


def test_a_slower_file_for_another_machine(
    small_source, small_comparator, tmp_path, monkeypatch, caplog
):
    monkeypatch.setattr(speed, "compare_speed", lambda *_: Speed(2.7, 1.0, 12))
    path = tmp_path / "x.tflite"
    with caplog.at_level(logging.WARNING, "absl"):
        record = export_tflite(small_source, path, "int8", small_comparator, allow_slower=True)
    assert "2.70 times as long as float32" in caplog.text
    assert record.details["speed"] == {
        "milliseconds": 2.7,
        "float32_milliseconds": 1.0,
        "rounds": 12,
        "ratio": 2.7,
        "threads": 1,
    }


@pytest.mark.parametrize("name", ["tflite", "onnx"])
def test_both_files_are_run(small_source, tmp_path, monkeypatch, name):
    """The gate opens the runtime's own runner on the two files that it is given."""
    ran = []

    def compare(runner, reference, batch):
        ran.extend(each.run(batch).shape for each in (runner, reference))
        return Speed(1.0, 2.0, 3)

    monkeypatch.setattr(speed, "compare_speed", compare)
    row = formats.get_format(name)
    path = tmp_path / f"x{row.suffix}"
    formats.resolve(row.exporter)(small_source, path)
    batch = np.zeros((1, 128, 128, 3), "float32")
    found = speed.gate_speed(row, path.read_bytes(), path.read_bytes(), batch)
    assert ran == [(1, 16), (1, 16)]
    assert found.ratio == 0.5
