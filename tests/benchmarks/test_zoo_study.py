"""The study of all networks: rows of processes, and checks that see what is broken.

The tier `zoo` runs every network as a user does, which takes hours: `make test_zoo`.
"""

import dataclasses
import json
import pathlib
import signal
import sys

import keras
import numpy as np
import pytest

from benchmarks.zoo import study, zoo_network
from benchmarks.zoo.macs import count_macs
from benchmarks.zoo.network_row import Cell, NetworkRow
from benchmarks.zoo.rows import RowFolder
from benchmarks.zoo.settings import STEPS, ZooSettings
from benchmarks.zoo.settled import settle
from benchmarks.zoo.worker import run_checks
from keras_crosspool.backbones import Backbone, FeatureInfo, create_backbone, list_backbones
from keras_crosspool.exporting import formats

PUBLISHED = pathlib.Path(__file__).parents[2] / "benchmarks" / "results" / "zoo.json"
_SETTINGS = ZooSettings(("onnx:float32", "savedmodel:float32"), "data/grocery_mini", 32, {})

# A process that writes a row of its own, but for networks that end before or within a check.
_WORKER = """
import json, os, pathlib, signal, sys
name, folder = sys.argv[1], pathlib.Path(sys.argv[2])
with (folder / "started").open("a") as file:
    print(name, file=file)
checks = ["build", "gradient", "solve", "save and load", "onnx:float32", "savedmodel:float32"]
if name == "Killed":
    checks = checks[:3]
cells = {check: {"verdict": "passed", "reason": ""} for check in checks}
row = {"network": name, "cells": cells, "ended": name != "Killed"}
if name != "Broken":
    (folder / f"{name}.json").write_text(json.dumps(row))
if name == "Killed":
    os.kill(os.getpid(), signal.SIGKILL)
if name == "Broken":
    sys.exit("no such network")
"""

# A process whose second check has no end.
_ENDLESS = """
import sys, time
from benchmarks.zoo.rows import RowFolder
from benchmarks.zoo.worker import run_checks
class Network:
    needs = facts = lambda *_: {}
    def check(self, check):
        return time.sleep(60) if check == "gradient" else "passed"
folder = RowFolder(sys.argv[2])
run_checks(Network(), folder.row(sys.argv[1]), folder.settings.checks, folder.write, seconds=0.5)
"""


@pytest.fixture
def folder(tmp_path):
    return RowFolder(tmp_path / "rows", _SETTINGS, (sys.executable, "-S", "-c", _WORKER))


def _started(tmp_path):
    return (tmp_path / "rows" / "started").read_text().split()


def test_a_process_that_is_killed_is_a_row_that_says_where(folder, tmp_path):
    row = folder.run("Killed")
    assert row.ended
    assert row.cells["solve"] == Cell("passed")
    failed = row.cells["save and load"]
    assert failed.verdict == "failed"
    assert signal.SIGKILL.name in failed.reason
    assert row.cells["savedmodel:float32"].verdict == "not tried"
    assert folder.row("Killed") == row  # kept for the next run
    assert list(row.cells) == list(_SETTINGS.checks)


def test_a_process_that_ends_by_itself_is_told_by_its_last_line(folder):
    cells = folder.run("Broken").cells
    assert cells["build"].verdict == "failed"
    assert "exit code 1: no such network" in cells["build"].reason


def test_a_check_without_an_end_is_ended(tmp_path):
    row = RowFolder(tmp_path / "rows", _SETTINGS, (sys.executable, "-c", _ENDLESS)).run("Endless")
    assert row.cells["build"] == Cell("passed")
    assert row.cells["gradient"].verdict == "failed"
    assert "exit code 1: Timeout (0:00:00.500000)!" in row.cells["gradient"].reason
    assert row.cells["solve"].verdict == "not tried"


def test_rows_of_other_settings_are_not_mixed(folder, tmp_path):
    folder.run("Fine")
    assert RowFolder(tmp_path / "rows", _SETTINGS).row("Fine").ended
    other = dataclasses.replace(_SETTINGS, image_size=64)
    with pytest.raises(ValueError, match=r"another --output.*image_size 64, not 32"):
        RowFolder(tmp_path / "rows", other)


def test_a_run_goes_on_where_it_was_stopped(folder, tmp_path):
    """One network has its row, another half of it, as a run that was killed leaves it."""
    output = tmp_path / "zoo.json"
    folder.run("MobileNetV2")
    folder.write(NetworkRow("VGG16", cells={"build": Cell("failed", "half a row")}))
    study.run_networks(folder, ["MobileNetV2", "VGG16"], output, {})
    assert _started(tmp_path) == ["MobileNetV2", "VGG16"]
    record = json.loads(output.read_text())
    rows = {row["network"]: row for row in record["rows"]}
    assert sorted(rows) == list_backbones()
    assert {rows[name]["onnx float32"] for name in ("MobileNetV2", "VGG16")} == {"passed"}
    assert rows["ResNet50"]["onnx float32"] == "not run yet"
    assert record["not_run_yet"] == sorted(set(rows) - {"MobileNetV2", "VGG16"})
    reasons = json.loads((tmp_path / "zoo_reasons.json").read_text())["rows"]
    assert reasons == record["unproven"]
    study.check_rows_are_there(output, folder)
    with pytest.raises(ValueError, match=r"another --output.*zoo.json with MobileNetV2, VGG16"):
        study.check_rows_are_there(output, RowFolder(tmp_path / "other", _SETTINGS))


def _tiny_model():
    """Two convolutions, so that there are two maps of equal size, and a normalisation."""
    image = keras.Input((32, 32, 3))
    x = keras.layers.Rescaling(1 / 127.5, -1.0)(image)
    x = keras.layers.Conv2D(8, 8, strides=4, activation="relu", name="early")(x)
    x = keras.layers.BatchNormalization(name="norm")(x)
    x = keras.layers.Dropout(0.5, name="dropout")(x)
    return keras.Model(image, keras.layers.Conv2D(8, 1, activation="relu", name="late")(x))


@pytest.fixture
def tiny(monkeypatch):
    """The checks of a network of a few weights."""

    def create(name, image_size, weights):
        infos = tuple(FeatureInfo(layer, 4, 8, i) for i, layer in enumerate(("early", "late")))
        return Backbone(name, _tiny_model(), infos, weights)

    monkeypatch.setattr(zoo_network, "create_backbone", create)
    return zoo_network.ZooNetwork("Tiny", _SETTINGS)


def _broken(*_, **__):
    raise RuntimeError("the converter is broken")


def test_a_broken_exporter_is_a_row_with_its_reason(tiny, monkeypatch):
    of_table = formats.resolve
    broken = formats.get_format("savedmodel").exporter
    monkeypatch.setattr(formats, "resolve", lambda x: _broken if x == broken else of_table(x))
    written = []
    row = run_checks(tiny, NetworkRow("Tiny"), _SETTINGS.checks, written.append)
    assert {check: cell.verdict for check, cell in row.cells.items()} == {
        **dict.fromkeys(STEPS, "passed"),
        "onnx:float32": "passed",
        "savedmodel:float32": "failed",
    }
    assert row.cells["savedmodel:float32"].reason == "RuntimeError: the converter is broken"
    assert [x["check"] for x in row.reasons()] == ["savedmodel float32"]
    assert [each.ended for each in written] == [False] * 5 + [True]
    assert row.parameters == 8 * (8 * 8 * 3 + 1) + 4 * 8 + 8 * (8 + 1)
    assert row.macs == 7 * 7 * 8 * (8 * 8 * 3) + 7 * 7 * 8 * 8


def test_what_needs_a_check_that_failed_is_not_tried(tiny, monkeypatch):
    monkeypatch.setattr(zoo_network, "create_backbone", _broken)
    row = run_checks(tiny, NetworkRow("Tiny"), _SETTINGS.checks, lambda _: None)
    assert row.cells["build"].verdict == "failed"
    assert {row.cells[x].verdict for x in _SETTINGS.checks[1:]} == {"not tried"}
    assert row.cells["solve"].reason == "build failed"
    assert row.parameters is None


@pytest.mark.parametrize(
    ("layer", "value", "words"),
    [
        ("early", np.nan, "must be finite. Received: .*early/kernel"),
        ("norm", np.inf, "must be finite. Received: .*norm/gamma"),
        ("late", -100.0, "finite and not zero. Received: "),  # no value passes the ReLU
    ],
)
def test_the_gradient_sees_a_broken_weight(tiny, layer, value, words):
    tiny.check("build")
    tiny.check("gradient")
    weights = tiny._model.get_layer(layer).weights
    weight = weights[1] if layer == "late" else weights[0]
    values = weight.numpy()
    values.flat[:] = np.where(
        np.arange(values.size) < (8 if layer == "late" else 1), value, values.flat
    )
    weight.assign(values)
    with pytest.raises(ValueError, match=words):
        tiny.check("gradient")


def test_the_gradient_reaches_a_block_that_adds_channels(tiny, monkeypatch):
    """As in DenseNet, whose last block adds channels behind those that a small head selects."""
    image = keras.Input((32, 32, 3))
    x = keras.layers.Conv2D(40, 8, strides=4, activation="relu", name="early")(image)
    added = keras.layers.Conv2D(8, 1, name="added")(x)
    network = keras.Model(image, keras.layers.Concatenate(name="late")([x, added]))
    infos = FeatureInfo("early", 4, 40, 0), FeatureInfo("late", 4, 48, 1)
    backbone = Backbone("Adding", network, infos, "none")
    monkeypatch.setattr(zoo_network, "create_backbone", lambda *_: backbone)
    tiny.check("build")
    tiny.check("gradient")
    network.get_layer("added").kernel.assign(np.full((1, 1, 40, 8), np.nan))
    with pytest.raises(ValueError, match=r"must be finite\. Received: .*added/kernel"):
        tiny.check("gradient")


def test_settled_statistics_are_those_of_the_images():
    """Those of the map before the normalisation, which then gives values of mean 1."""
    model = _tiny_model()
    images = np.random.default_rng(0).integers(0, 256, (6, 32, 32, 3), "uint8")
    norm = model.get_layer("norm")
    seen = keras.Model(model.inputs, norm.input).predict(images.astype("float32"), verbose=0)
    settle(model, images)
    np.testing.assert_allclose(norm.moving_mean, seen.mean((0, 1, 2)), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(norm.moving_variance, seen.var((0, 1, 2)), rtol=1e-4)
    given = keras.Model(model.inputs, norm.output).predict(images.astype("float32"), verbose=0)
    np.testing.assert_allclose(given.mean((0, 1, 2)), 1, atol=1e-3)
    assert (norm.momentum, model.get_layer("dropout").rate) == (0.99, 0.5)


def test_what_a_layer_norm_takes_has_deviation_one():
    image = keras.Input((32, 32, 3))
    x = keras.layers.Conv2D(6, 8, strides=8, name="conv")(keras.layers.Rescaling(1e-4)(image))
    normalised = keras.layers.LayerNormalization(epsilon=1e-12, name="norm")(x)
    model = keras.Model(image, [x, normalised])
    images = np.random.default_rng(0).integers(0, 256, (6, 32, 32, 3), "uint8")
    _, expected = model.predict(images.astype("float32"), verbose=0)
    settle(model, images)
    taken, given = model.predict(images.astype("float32"), verbose=0)
    assert taken.std() == pytest.approx(1, abs=1e-4)
    np.testing.assert_allclose(given, expected, atol=1e-3)  # it undoes the scale


def test_published_multiply_accumulates_are_found():
    """MobileNetV2's paper says 300 million with its classifier of 1280 x 1000."""
    model = create_backbone("MobileNetV2", weights="none").model
    assert count_macs(model) + 1280 * 1000 == pytest.approx(300e6, rel=0.005)


@pytest.mark.zoo
@pytest.mark.parametrize("network", list_backbones())
def test_network(network, run_main, tmp_path):
    """What the published table says passed, passes; the steps before export always do."""
    published = {row["network"]: row for row in json.loads(PUBLISHED.read_text())["rows"]}[network]
    output, reasons = tmp_path / "zoo.json", tmp_path / "zoo_reasons.json"
    done = run_main("benchmarks.zoo", f"--networks={network}", f"--output={output}")
    assert done.returncode == 0, done.stderr
    row = {row["network"]: row for row in json.loads(output.read_text())["rows"]}[network]
    passed = ("passed", "built, not run", "built and run")
    expected = {check for check, verdict in published.items() if verdict in passed} | set(STEPS)
    why = [x for x in json.loads(reasons.read_text())["rows"] if x["network"] == network]
    assert {check for check in expected if row[check] in passed} == expected, why
