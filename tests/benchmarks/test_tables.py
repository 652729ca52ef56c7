"""Tables, comparisons and the tables of the README."""

import copy
import json

import numpy as np
import pytest
from absl.testing import flagsaver

from benchmarks import record
from benchmarks.latency.comparison import check_rounds, compare, differences
from benchmarks.latency.results import derive, write_results
from benchmarks.machine import machine_info
from benchmarks.table import comparison_section, latency_section, rows_table
from tools.readme_tables import FLAGS, fill_tables, main

REFERENCE = "Keras model.predict_on_batch(x)"


def _measurement(name, milliseconds, logits, precision="float32"):
    rng = np.random.default_rng(len(name))
    samples = (1e6 * milliseconds * rng.normal(1.0, 0.01, (6, 4))).astype(int)
    return {
        "name": name,
        "runtime": name,
        "file": name,
        "precision": precision,
        "threads": None,
        "bytes": 2_500_000,
        "base_bytes": 30_000_000,
        "peak_bytes": 90_000_000,
        "import_seconds": 0.1,
        "load_seconds": 0.2,
        "first_ns": 9_000_000,
        "warm_up_ns": [1],
        "settled": True,
        "reentry_ns": [1] * 6,
        "samples_ns": samples.tolist(),
        "scores": np.array(logits),
        "are_probabilities": False,
        "pixels_sha256": "",
    }


def _logits(*classes):
    """Logits that say these classes; NaN for one stands for a logit that is no number."""
    classes = np.array(classes, float)
    return np.where(np.isnan(classes)[:, None], np.nan, classes[:, None] == np.arange(4))


@pytest.fixture
def result():
    measurements = [
        _measurement(REFERENCE, 20, _logits(0, 1, 2, 0)),
        _measurement("a.tflite", 5, 2 * _logits(0, 1, 2, 0)),
        _measurement("b.tflite", 3, _logits(0, 1, np.nan, 1), "int8"),
    ]
    return {
        "date": "2026-01-02T03:04:05+00:00",
        "machine": machine_info(),
        "versions": {"keras": "3.0"},
        "load_average": [0.1, 0.2],
        "settings": {"batch": 1, "rounds": 6, "per_round": 4, "seed": 0},
        "images": {"data": "photos", "split": "val", "images": 4, "sha256": "aa"},
        "runtimes": derive(measurements, np.array([0, 1, 2, 3])),
        "not_run": [{"file": "c.engine", "precision": "float16", "reason": "no GPU"}],
    }


def test_figures_derived_from_raw_data(result):
    keras, exact, small = result["runtimes"]
    assert [row["accuracy"] for row in result["runtimes"]] == [0.75, 0.75, 0.5]
    assert [row["agreement"] for row in result["runtimes"]] == [1, 1, 0.5]
    assert [row["pareto"] for row in result["runtimes"]] == [False, True, True]
    ratio = np.median(keras["samples_ns"]) / np.median(exact["samples_ns"])
    assert exact["speed"]["ratio"] == pytest.approx(ratio)
    assert small["speed"]["low"] <= small["speed"]["ratio"] <= small["speed"]["high"]


def test_several_labels_have_a_mean_average_precision(result):
    labels = np.array([[1, 0, 1], [0, 1, 0], [1, 1, 0], [0, 0, 0]])
    reference = np.where(labels, 3.0, -3.0)
    worse = reference.copy()
    worse[2, 0] = worse[3, 2] = -5  # one label is lost, and its image ranked last
    broken = reference.copy()
    broken[1, 1] = np.inf
    rows = derive(
        [
            _measurement(REFERENCE, 20, reference),
            _measurement("a.tflite", 5, worse),
            _measurement("b.tflite", 3, broken),
        ],
        labels,
    )
    assert rows[0]["predicted"] == [[0, 2], [1], [0, 1], []]
    assert rows[1]["predicted"] == [[0, 2], [1], [1], []]
    assert rows[2]["predicted"] == [[0, 2], -1, [0, 1], []]
    # The first label: its images are ranked first and last of four.
    expected = [1, (0.5 * (1 + 2 / 4) + 1 + 1) / 3, 3 / 4]
    assert [row["accuracy"] for row in rows] == pytest.approx(expected)
    assert [row["agreement"] for row in rows] == pytest.approx([1, 2 * 4 / (5 + 4), 3 / 4])
    text = latency_section(result | {"runtimes": rows, "metric": "mean_average_precision"})
    assert "| mean average precision |" in text
    assert "top-1" not in text.lower()


def test_probabilities_say_what_their_logits_say(result):
    logits = np.array([[0.0, 3.0, -1.0, 1.0], [2.0, 0.5, 0.0, 200.0]])
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities = exponentials / exponentials.sum(axis=1, keepdims=True)
    labels = np.array([1, 0])
    both = [
        _measurement(REFERENCE, 20, logits),
        _measurement("a.tflite", 5, probabilities) | {"are_probabilities": True},
    ]
    keras, row = derive(both, labels)
    assert (row["predicted"], row["agreement"]) == (keras["predicted"], 1.0)
    assert row["accuracy"] == keras["accuracy"] == 0.5
    labels = np.array([[0, 1, 0, 1], [1, 0, 0, 1]])
    both[1]["scores"] = 1 / (1 + np.exp(-logits))
    keras, row = derive(both, labels, thresholds=(0.5, 0.6, 0.5, 0.5))
    assert row["predicted"] == keras["predicted"] == [[0, 1, 3], [0, 1, 2, 3]]


def test_p90_is_told_as_a_multiple_of_another_file(result):
    measurements = [
        _measurement("small.tflite", 4, _logits(0, 1, 2, 3)),
        _measurement("large.tflite", 6, _logits(0, 1, 2, 3)),
    ]
    rows = derive(measurements, np.array([0, 1, 2, 3]), relative_to="small.tflite")
    p90 = [np.quantile(row["samples_ns"], 0.9) for row in rows]
    assert rows[0]["relative"] == {"ratio": 1, "low": 1, "high": 1}
    assert rows[1]["relative"]["ratio"] == pytest.approx(p90[1] / p90[0])
    changed = result | {"runtimes": rows, "relative_to": "small.tflite"}
    assert "| p90 ratio |" in latency_section(changed)
    assert "P90 ratio: to small.tflite with as many threads." in latency_section(changed)
    assert "p90 ratio" not in latency_section(result).lower()


def test_a_percentile_of_few_samples_is_not_published(result):
    def cells(rounds):
        measurement = _measurement("a.tflite", 5, _logits(0, 1, 2, 3))
        measurement["samples_ns"] = (np.arange(rounds * 10).reshape(rounds, 10) + 10**6).tolist()
        rows = derive([measurement], np.array([0, 1, 2, 3]))
        table = latency_section(result | {"runtimes": rows}).splitlines()
        names, values = ([cell.strip() for cell in table[i].split("|")] for i in (0, 2))
        found = dict(zip(names, values, strict=True))
        return found["p90 ms"].strip("*") != "-", found["p99 ms"] != "-"

    assert [cells(6), cells(7), cells(66), cells(67)] == [
        (False, False),
        (True, False),
        (True, False),
        (True, True),
    ]


def test_without_keras_there_is_no_agreement():
    (row,) = derive([_measurement("a.tflite", 5, _logits(0))], np.array([0]))
    assert (row["agreement"], row["speed"]) == (None, None)


def test_latency_section_says_what_one_must_know(result):
    result["runtimes"][1]["settled"] = False
    result["runtimes"][2]["summary"]["verdict"] = "unstable"
    text = latency_section(result)
    for words in (
        result["machine"]["cpu"],
        "keras 3.0",
        "2026-01-02",
        "photos, split val",
        "6 interleaved rounds of 4 images",
        "The warm-up did not settle for a.tflite.",
        "Unstable, to be measured again on an idle machine: b.tflite.",
        "Not run: c.engine (float16), no GPU.",
    ):
        assert words in text
    lines = [line for line in text.splitlines() if line.startswith("|")]
    assert len({line.count("|") for line in lines}) == 1
    assert len({len(line) for line in lines}) == 1
    assert ["**" in line for line in lines[2:]] == [False, True, True]


def test_compare_tells_faster_slower_and_the_same(result):
    old = copy.deepcopy(result)
    slower, faster = old["runtimes"][1:]
    slower["samples_ns"] = (0.5 * np.array(slower["samples_ns"])).tolist()
    faster["samples_ns"] = (1.5 * np.array(faster["samples_ns"])).tolist()
    old["runtimes"].append({**old["runtimes"][0], "name": "gone.onnx"})
    result["runtimes"].append({**result["runtimes"][0], "name": "new.onnx"})
    changes = {change["name"]: change for change in compare(result, old)}
    assert {name: change["change"] for name, change in changes.items()} == {
        REFERENCE: "no change shown",
        "a.tflite": "slower",
        "b.tflite": "faster",
        "gone.onnx": "gone",
        "new.onnx": "new",
    }
    assert changes["a.tflite"]["ratio"]["ratio"] == pytest.approx(2)
    table = comparison_section(list(changes.values()))
    assert "2.000 (" in table
    assert len({line.count("|") for line in table.splitlines()}) == 1


def test_compare_tells_what_else_differs(result):
    old = copy.deepcopy(result)
    assert differences(result, old) == []
    old["machine"]["cpu"] = "another"
    old["versions"] = {}
    assert [line.split()[1] for line in differences(result, old)] == ["machine", "library"]
    with pytest.raises(ValueError, match="at least 5 rounds"):
        check_rounds(4, "--rounds")


def test_results_are_written_whole_or_not_at_all(result, tmp_path):
    files = write_results(result, tmp_path / "latency.json")
    assert sorted(tmp_path.iterdir()) == sorted(files)
    before = {file: file.read_bytes() for file in files}
    del result["runtimes"][0]["summary"]["p50_ms"]
    with pytest.raises(KeyError):
        write_results(result, tmp_path / "latency.json")
    assert {file: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_unstable_results_are_not_published(result, tmp_path, monkeypatch):
    monkeypatch.setattr(record, "PUBLISHED", tmp_path)
    before = write_results(result, tmp_path / "latency.json")
    contents = [file.read_bytes() for file in before]
    result["runtimes"][2]["summary"]["verdict"] = "unstable"
    with pytest.raises(record.UnstableError, match=r"Received: b\.tflite"):
        write_results(result, tmp_path / "latency.json")
    assert [file.read_bytes() for file in before] == contents
    assert len(list(tmp_path.iterdir())) == 4
    write_results(result, tmp_path / "latency.json", keep_unstable=True)
    assert "Unstable" in (tmp_path / "latency.md").read_text()


def test_rows_of_any_kind_become_a_table():
    table = rows_table([{"model": "a|b", "top5_accuracy": 0.98765, "n": 3}, {"ok": True}])
    assert [line.split() for line in table.splitlines()] == [
        ["|", "model", "|", "top5", "accuracy", "|", "n", "|", "ok", "|"],
        ["|", "-" * 5, "|", "-" * 13, "|", "-", "|", "-" * 3, "|"],
        ["|", "a\\|b", "|", "0.9877", "|", "3", "|", "-", "|"],
        ["|", "-", "|", "-", "|", "-", "|", "yes", "|"],
    ]


@pytest.fixture
def readme(result, tmp_path):
    write_results(result, tmp_path / "results" / "latency.json")
    rows = [{"model": "cross-layer", "accuracy": 0.8125}]
    accuracy = {"rows": rows, "data": "photos", "machine": result["machine"]}
    (tmp_path / "results" / "accuracy.json").write_text(json.dumps(accuracy))
    (tmp_path / "results" / "plain.json").write_text(json.dumps(rows))
    path = tmp_path / "README.md"
    names = ("latency", "accuracy", "plain")
    blocks = [f"# {n}\n<!-- begin {n} -->\nstale\n<!-- end {n} -->\n" for n in names]
    path.write_text("".join(blocks) + "the end\n")
    return path


def test_readme_tables_are_those_of_the_results(readme, result):
    text = fill_tables(readme.read_text(), readme.parent / "results")
    assert f"<!-- begin latency -->\n{latency_section(result)}<!-- end latency -->\n" in text
    assert text.count("| cross-layer | 0.8125   |") == 2
    assert text.count("photos; ") == 1
    assert "stale" not in text
    assert text.startswith("# latency\n")
    assert text.endswith("the end\n")
    assert fill_tables(text, readme.parent / "results") == text


@pytest.fixture
def summary_results(tmp_path):
    scores = {
        "accuracy": {"accuracy": 0.5, "coarse_accuracy": 0.75},
        "accuracy_grocery_store": {"accuracy": 0.5},
        "accuracy_montages": {"mean_average_precision": 0.5, "mean_f1": 0.75},
    }
    models = ("global average", "scheme 1", "scheme 2", "both (whole images)")
    for name, values in scores.items():
        rows = [{"model": "scheme 1 (whole images)"} | dict.fromkeys(values, 0.0)]
        rows += [{"model": model} | values for model in models]
        (tmp_path / f"{name}.json").write_text(json.dumps({"data": name, "rows": rows}))
    return tmp_path


def test_summary_takes_the_main_scores(summary_results):
    text = fill_tables("<!-- begin summary -->\n<!-- end summary -->\n", summary_results)
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines()[1:-1]]
    assert rows[0] == ["data set", "score", "global average", "scheme 1", "scheme 2", "both"]
    assert [row[2] for row in rows[2:]] == ["0.5", "0.75", "0.5", "0.5", "0.75"]
    assert all(len(set(row[2:])) == 1 for row in rows[2:])
    assert rows[-1][:2] == ["accuracy_montages", "mean f1"]


def test_summary_names_what_is_missing(summary_results):
    path = summary_results / "accuracy_montages.json"
    path.write_text(json.dumps({"data": "montages", "rows": [{"model": "scheme 1"}]}))
    with pytest.raises(ValueError, match=r"mean average precision of global average.*montages"):
        fill_tables("<!-- begin summary -->\n<!-- end summary -->\n", summary_results)


@pytest.fixture
def readme_flags(readme):
    if not FLAGS.is_parsed():
        FLAGS.mark_as_parsed()
    with flagsaver.flagsaver(pages=[str(readme)], results=str(readme.parent / "results")):
        yield


def test_readme_main_writes_and_checks(readme, readme_flags):
    before = readme.read_text()
    with (
        flagsaver.flagsaver(check=True),
        pytest.raises(SystemExit, match="latency, accuracy, plain"),
    ):
        main([])
    assert readme.read_text() == before
    main([])
    assert "stale" not in readme.read_text()
    with flagsaver.flagsaver(check=True):
        main([])
        (readme.parent / "results" / "plain.json").write_text('[{"model": "another"}]')
        with pytest.raises(SystemExit, match="results: plain"):
            main([])


def test_readme_check_fails_as_a_command(readme, run_main):
    flags = [f"--pages={readme}", f"--results={readme.parent / 'results'}", "--check"]
    done = run_main("tools.readme_tables", *flags)
    assert done.returncode == 1
    assert "error: tables of" in done.stderr
    assert "stale" in readme.read_text()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("<!-- begin latency -->\n", "pairs"),
        ("<!-- begin latency -->\n<!-- end plain -->\n", "pairs"),
        ("<!-- end latency -->\n<!-- begin latency -->\n", "pairs"),
        ("<!-- begin absent -->\n<!-- end absent -->\n", r"no file .*absent\.json"),
        ("<!-- begin empty -->\n<!-- end empty -->\n", "list of rows"),
    ],
)
def test_readme_errors(readme, text, words):
    (readme.parent / "results" / "empty.json").write_text("[]")
    with pytest.raises(ValueError, match=words):
        fill_tables(text, readme.parent / "results")
