"""The latency benchmark as a user runs it, checked against the raw samples it leaves."""

import csv
import hashlib
import json
import re
import statistics

import numpy as np
import pytest

pytestmark = pytest.mark.heavy

ROUNDS, PER_ROUND, IMAGES = 5, 4, 24
DATA = "data/grocery_mini"


@pytest.fixture(scope="module")
def output(workshop, tmp_path_factory):
    return tmp_path_factory.mktemp("latency") / "out" / "latency.json"


@pytest.fixture
def finished(workshop, output, run_main):
    """One real run; the later tests read what it left."""
    if not output.exists():
        done = run_main("benchmarks.latency", *_arguments(workshop, output))
        assert done.returncode == 0, done.stderr
        output.with_suffix(".txt").write_text(done.stdout)
    return json.loads(output.read_text())


def _arguments(workshop, output):
    return [
        workshop / "model.tflite",
        workshop / "model.onnx",
        f"--model={workshop / 'model'}",
        f"--data={DATA}",
        "--split=test",
        f"--images={IMAGES}",
        f"--rounds={ROUNDS}",
        f"--per_round={PER_ROUND}",
        f"--output={output}",
    ]


def test_every_runtime_has_every_sample(finished):
    names = [row["name"] for row in finished["runtimes"]]
    assert names == [
        "Keras model.predict_on_batch(x)",
        "Keras model(x), eager",
        "model.tflite, 1 thread",
        "model.tflite, 2 threads",
        "model.onnx, 1 thread",
        "model.onnx, 2 threads",
    ]
    for row in finished["runtimes"]:
        assert np.shape(row["samples_ns"]) == (ROUNDS, PER_ROUND)
        assert len(row["reentry_ns"]) == ROUNDS
        assert np.min(row["samples_ns"]) > 0
        assert row["first_ns"] > 0
        assert 15 <= len(row["warm_up_ns"]) <= 100
        assert row["precision"] == "float32"
    assert len(finished["schedule"]) == ROUNDS
    assert all(sorted(turn["order"]) == sorted(names) for turn in finished["schedule"])
    assert len({tuple(turn["order"]) for turn in finished["schedule"]}) > 1


def test_all_saw_the_same_real_images(finished, workshop):
    pixels, labels, logits = _reference(workshop)
    digest = hashlib.sha256(pixels.tobytes()).hexdigest()
    assert {row["pixels_sha256"] for row in finished["runtimes"]} == {digest}
    assert finished["labels"] == labels.tolist()
    assert finished["images"]["images"] == IMAGES
    for row in finished["runtimes"]:
        assert row["predicted"] == logits.argmax(axis=1).tolist()
        assert row["accuracy"] == np.mean(logits.argmax(axis=1) == labels)
        assert row["agreement"] == 1


def _reference(workshop):
    from keras_crosspool import load_model
    from keras_crosspool.data import load_images, open_split

    model, metadata = load_model(workshop / "model")
    split = open_split(DATA, "test", metadata.class_names)
    pixels, labels = load_images(split, metadata.image_size, limit=IMAGES)
    return pixels, labels, model.predict_on_batch(pixels.astype("float32"))


def test_processes_are_isolated(finished):
    peaks = {row["name"]: row["peak_bytes"] for row in finished["runtimes"]}
    assert all(row["base_bytes"] < row["peak_bytes"] for row in finished["runtimes"])
    # Were TensorFlow in every process, all would need about the same.
    assert peaks["model.tflite, 1 thread"] < peaks["Keras model.predict_on_batch(x)"] / 2
    assert peaks["model.onnx, 1 thread"] < peaks["Keras model.predict_on_batch(x)"] / 2


def test_table_follows_from_the_raw_samples(finished, output):
    table = output.with_suffix(".md").read_text()
    assert table in output.with_suffix(".txt").read_text()
    headings, _, *lines = [line for line in table.splitlines() if line.startswith("|")]
    assert len(lines) == len(finished["runtimes"])
    reference = statistics.median(np.ravel(finished["runtimes"][0]["samples_ns"]).tolist())
    for line, row in zip(lines, finished["runtimes"], strict=True):
        cells = dict(zip(_cells(headings), _cells(line), strict=True))
        flat = np.ravel(row["samples_ns"]).tolist()
        percentiles = statistics.quantiles(flat, n=100, method="inclusive")
        for place, least in ((50, 1), (90, 64), (99, 662)):
            shown = f"{percentiles[place - 1] / 1e6:.2f}" if len(flat) >= least else "-"
            assert cells[f"p{place} ms"] == shown
        assert cells["images/s"] == f"{1e9 * len(flat) / sum(flat):.0f}"
        assert cells["x Keras"] == f"{reference / statistics.median(flat):.1f}"
        assert cells["top-1"] == f"{np.mean(np.equal(row['predicted'], finished['labels'])):.1%}"
        assert cells["peak MB"] == f"{row['peak_bytes'] / 1e6:.0f}"
    assert finished["machine"]["cpu"] in table
    assert all(version in table for version in finished["versions"].values())


def _cells(line):
    return [cell.strip().strip("*") for cell in line.strip("|").split("|")]


def test_csv_holds_the_same_figures(finished, output):
    with open(output.with_suffix(".csv"), newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["name"] for row in rows] == [row["name"] for row in finished["runtimes"]]
    for row, measured in zip(rows, finished["runtimes"], strict=True):
        median = statistics.median(np.ravel(measured["samples_ns"]).tolist())
        assert float(row["p50_ms"]) == pytest.approx(median / 1e6)
        assert float(row["file_mb"]) == measured["bytes"] / 1e6


def test_plot_is_an_image_and_the_front_is_marked(finished, output):
    from PIL import Image

    with Image.open(output.with_suffix(".png")) as image:
        assert min(image.size) > 300
    fastest = min(finished["runtimes"], key=lambda row: row["summary"]["p90_ms"])
    assert fastest["pareto"]


def test_compare_needs_no_keras_and_shows_every_line(finished, workshop, output, run_main):
    old = output.with_name("old.json")
    for row in finished["runtimes"]:
        row["samples_ns"] = (1000 * np.array(row["samples_ns"])).tolist()
        row["summary"]["p50_ms"] *= 1000
    old.write_text(json.dumps(finished))
    done = run_main(
        "benchmarks.latency",
        workshop / "model.tflite",
        f"--data={DATA}",
        "--split=test",
        "--images=16",
        "--rounds=5",
        "--per_round=2",
        "--threads=1",
        f"--compare={old}",
        f"--output={output.with_name('new.json')}",
    )
    assert done.returncode == 0, done.stderr
    assert re.search(r"\| model\.tflite, 1 thread .*\| faster ", done.stdout)
    assert re.search(r"\| model\.onnx, 2 threads .*\| gone ", done.stdout)
    assert "The images differ" in done.stdout
    new = json.loads(output.with_name("new.json").read_text())
    assert [row["agreement"] for row in new["runtimes"]] == [None]


@pytest.mark.parametrize("case", ["missing artefact", "junk artefact", "missing folder"])
def test_bad_input_ends_in_one_line(case, workshop, junk, tmp_path, fork_main):
    tflite, data = workshop / "model.tflite", f"--data={DATA}"
    arguments, words = {
        "missing artefact": ([tmp_path / "absent.tflite", data], "absent.tflite"),
        "junk artefact": ([junk, data], "LiteRT cannot load the file"),
        "missing folder": ([tflite, f"--data={tmp_path / 'absent'}"], "absent"),
    }[case]
    output = tmp_path / "results" / "latency.json"
    done = fork_main("benchmarks.latency", *arguments, "--split=test", f"--output={output}")
    assert done.returncode == 2
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert words in line
    assert "Traceback" not in done.stderr
    assert not output.parent.exists()


def test_a_crash_shows_what_the_process_said(workshop, tmp_path, run_main):
    (tmp_path / "sitecustomize.py").write_text(
        "import os, sys\n"
        "if 'benchmarks.latency.worker' in sys.orig_argv:\n"
        "    print('the runtime fell over', file=sys.stderr, flush=True)\n"
        "    os._exit(7)\n"
    )
    output = tmp_path / "results" / "latency.json"
    arguments = [workshop / "model.tflite", f"--data={DATA}", "--split=test", f"--output={output}"]
    done = run_main("benchmarks.latency", *arguments, PYTHONPATH=str(tmp_path))
    assert done.returncode == 1
    assert "model.tflite, 1 thread ended with exit code 7" in done.stderr
    assert "the runtime fell over" in done.stderr
    assert not output.parent.exists()
