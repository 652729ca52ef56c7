"""The main report: what it adds to the page of train, and one clear line for bad input."""

import json
import re
import shutil

import keras
import numpy as np
import pytest

from keras_crosspool import load_model, report_model
from keras_crosspool.exporting.artefact import Artefact, path_sha256, sidecar_path
from keras_crosspool.exporting.source import make_source
from keras_crosspool.models.directory import save_model
from keras_crosspool.models.metadata import ModelMetadata
from keras_crosspool.models.training_scores import TrainingScores
from tests.html_pages import Page
from tests.small_models import flat_classifier

REPORT = "keras_crosspool.report"
ODD = ("<script>alert(1)</script>", "caf\u00e9 & \x1b[31mred", '" onerror="x')
SIZE = 16
PARITY = {
    "status": "passed",
    "images": 12,
    "split": "test",
    "cosine": {"worst": 0.98765, "median": 1.0},
    "agreement": 0.75,
    "score": 0.5,
    "reference_score": 0.25,
}


def _write_artefact(folder, model, metadata, sha256=None):
    """An artefact with its record, as export writes them, but for what is in it."""
    folder.mkdir()
    path = folder / "model.onnx"
    path.write_bytes(b"12345" * 1000)
    (folder / "notes.json").write_text("{}")
    own = make_source(model, metadata).to_dict()
    record = Artefact(
        "model.onnx", "onnx", "float32", path_sha256(path), 5000, (), (), {},
        own | {"sha256": sha256 or own["sha256"]}, PARITY, {}, {},
    )  # fmt: skip
    sidecar_path(path).write_text(record.to_json())
    return folder


def _write_latency(path, class_names, image_size):
    runtimes = [
        {
            "name": name,
            "precision": "float32",
            "accuracy": accuracy,
            "summary": {"p50_ms": ms, "p90_ms": 2 * ms, "verdict": "steady"},
        }
        for name, accuracy, ms in (("one", 0.75, 3.0), ("two", 0.5, 10.0))
    ]
    result = {
        "date": "2026-11-26T14:48:09+00:00",
        "machine": {"cpu": "a <slow> one", "cores": 2},
        "model": {"class_names": class_names, "image_size": image_size},
        "images": {"images": 12},
        "metric": "accuracy",
        "runtimes": runtimes,
    }
    path.write_text(json.dumps(result))
    return path


def _odd_model(folder, task):
    """A model whose classes have names that mean something to a browser, and its data."""
    keras.utils.set_random_seed(0)
    image = keras.Input((SIZE, SIZE, 3))
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.Rescaling(1 / 255)(image))
    metadata = ModelMetadata(
        "<b>odd</b>", ODD, SIZE, {"groups": None},
        {"path": str(folder / "data"), "train_split": "train", "val_split": None,
         "fingerprint": "<i>"},
        {}, TrainingScores(), task, (0.5,) * 3 if task == "multi_label" else None,
    )  # fmt: skip
    save_model(folder / "model", flat_classifier(image, x, ODD), metadata)
    rows = ["file,labels"]
    for number in range(9):
        path = folder / "data" / "several" / f"<{number}>.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.full((SIZE, SIZE, 3), [20 * number, 200, 9 * number], "uint8")
        keras.utils.save_img(path, pixels, scale=False)
        labels = dict.fromkeys((ODD[number % 3], ODD[number % 2]))
        rows.append(f'{path.name},"{";".join(labels).replace(chr(34), chr(34) * 2)}"')
    (path.parent / "labels.csv").write_text("\n".join(rows) + "\n", "utf-8")
    return folder


@pytest.fixture(scope="module")
def parts(tmp_path_factory, model_directory, tiny_folder):
    """What the commands are given: a folder."""
    folder = tmp_path_factory.mktemp("report")
    model, metadata = load_model(model_directory)
    _write_artefact(folder / "artefacts", model, metadata)
    _write_artefact(folder / "foreign", model, metadata, sha256="0" * 64)
    _write_latency(folder / "latency.json", metadata.class_names, metadata.image_size)
    _write_latency(folder / "of_another.json", ["a", "b"], 128)
    (folder / "empty").mkdir()
    (folder / "damaged.json").write_text('{"runtimes": [')
    shutil.copytree(model_directory, folder / "own")
    (folder / "own" / "report.html").unlink()
    (folder / "strangers").mkdir()
    for path in (tiny_folder / "train" / "Orange").iterdir():
        shutil.copy(path, folder / "strangers")
    return folder


@pytest.fixture(scope="module")
def runs(fork_mains, parts, model_directory):
    trained = (REPORT, f"--model={model_directory}")
    all_of_it = (
        *trained,
        f"--artefacts={parts}/artefacts",
        f"--latency={parts}/latency.json",
        f"--unknown={parts}/strangers",
    )
    cases = {
        "all": (*all_of_it, f"--output={parts}/all.html"),
        "again": (*all_of_it, f"--output={parts}/again.html"),
        "own": (REPORT, f"--model={parts}/own"),
        "help": (REPORT, "--help"),
    }
    done = fork_mains(cases)
    assert all(each.returncode == 0 for each in done.values()), [x.stderr for x in done.values()]
    return done


def _page(path):
    page = Page(path.read_text("utf-8"))
    assert not page.tags & {"script", "link", "b", "i", "label"}
    assert all(source.startswith("data:image/jpeg;base64,") for source in page.sources)
    assert page.bytes < 3e6
    return page


def test_the_same_input_is_the_same_page(runs, parts):
    assert (parts / "all.html").read_bytes() == (parts / "again.html").read_bytes()


def test_artefacts_with_their_parity(runs, parts):
    page = _page(parts / "all.html")
    (row,) = page.table(
        "file", "format", "MB", "parity", "cosine", "same answer", "score", "of Keras"
    )
    assert row == [
        "model.onnx", "onnx float32", "0.01", "passed on 12 images of test", "0.98765", "75.0 %",
        "50.0 %", "25.0 %",
    ]  # fmt: skip


def test_latency_as_it_was_measured(runs, parts):
    page = _page(parts / "all.html")
    rows = page.table("", "runtime", "p50, ms", "p90, ms", "accuracy", "timings are")
    assert rows == [
        ["1", "one, float32", "3.00", "6.00", "0.7500", "steady"],
        ["2", "two, float32", "10.00", "20.00", "0.5000", "steady"],
    ]
    assert "measured on a <slow> one, 2 cores, 2026-11-26" in page.text
    (chart,) = [chart for title, chart in page.charts.items() if "latency" in title]
    assert len(chart.dots) == 2


def test_images_of_none_of_the_classes(runs, parts):
    text = _page(parts / "all.html").text
    found = re.search(r"none of the classes: AUROC ([\d.]+) on 6 images of .*strangers", text)
    assert 0 <= float(found[1]) <= 1


def test_the_page_in_the_model_directory_is_its_own(runs, parts, model_directory):
    assert runs["own"].stdout.startswith(f"{parts}/own/report.html: 0.")
    names = json.loads((parts / "own" / "keras_crosspool.manifest.json").read_text())["files"]
    assert "report.html" in names
    of_train, anew = (_page(x / "report.html") for x in (model_directory, parts / "own"))
    assert anew.values["score"] == of_train.values["score"]
    assert anew.table("answered", "right") == of_train.table("answered", "right")
    assert [image["alt"] for image in anew.images] == [image["alt"] for image in of_train.images]


def test_another_split_has_its_own_score_and_no_baseline(tmp_path, model_directory):
    written = report_model(model_directory, tmp_path / "training.html", split="train")
    page = _page(written)
    assert "on 18 photographs of split train" in page.text
    assert "the baseline, on the same photographs" not in page.text
    assert page.values["score"] == 1  # by a classifier that was solved on them


def test_other_photographs_of_a_split_of_that_name(tmp_path, model_directory, copy_images):
    other = copy_images(tmp_path / "other", {"test": 2})
    page = _page(report_model(model_directory, tmp_path / "other.html", data=str(other)))
    assert "on 6 photographs of split test" in page.text
    assert "the baseline, on the same photographs" not in page.text


def test_help_in_words(runs):
    text = runs["help"].stdout
    assert "crosspool report --model=DIR" in text
    for flag in ("--model", "--artefacts", "--latency", "--unknown", "--split", "--output"):
        assert f"  {flag}: " in text


@pytest.mark.parametrize(("split", "task"), [(None, "single_label"), ("several", "multi_label")])
def test_names_that_mean_something_to_a_browser(tmp_path, split, task):
    folder = _odd_model(tmp_path, task)
    page = report_model(folder / "model", split=split)
    assert page == folder / "model" / "report.html"
    page = _page(page)
    assert "Report of <b>odd</b>" in page.text
    if split is None:
        assert "No photographs were set aside" in page.text
        assert (page.values, page.images) == ({}, [])
    else:
        rows = page.table("class", "images", "average precision", "precision", "recall", "f1")
        assert sorted(row[0] for row in rows) == sorted([*ODD[::2], "caf\u00e9 & \\x1b[31mred"])
        assert page.values["score"] <= 1


@pytest.mark.parametrize(
    ("argument", "value", "expected"),
    [
        ("artefacts", "empty", r"no artefact with its record.*Received: .*empty$"),
        ("artefacts", "nowhere", r"no such folder of artefacts.*nowhere$"),
        ("latency", "of_another.json", r"measured on another model.*of_another\.json$"),
        ("latency", "damaged.json", r"damaged\.json is damaged: .*measure again.*damaged\.json$"),
        ("latency", "nowhere.json", r"benchmarks\.latency\. Received: no file .*nowhere\.json$"),
        ("data", "nowhere", r"no such folder.*Received: .*nowhere$"),
        ("output", "artefacts/model.html", r"would replace a file that is read.*model\.html$"),
    ],
)
def test_bad_arguments_are_refused(parts, tmp_path, argument, value, expected, tried):
    (parts / "artefacts" / "model.html").write_text("mine")
    model, output = parts / "own", tmp_path / "bad.html"
    given = {"output": output, "artefacts": parts / "artefacts", argument: parts / value}
    with pytest.raises(ValueError, match=expected) as error:
        report_model(model, **given)
    assert not output.exists()
    assert (parts / "artefacts" / "model.html").read_text() == "mine"
    tried("report", f"{argument}: {value}", error.value)


def test_images_without_a_split_to_measure_on_are_refused(tmp_path, tried, grocery):
    folder = _odd_model(tmp_path, "single_label")
    with pytest.raises(ValueError, match=r"no split, so name the one.*Received: `data=") as error:
        report_model(folder / "model", data=str(grocery))
    tried("report", "data without a split, of a model that was not validated", error.value)


def _bad_commands(parts, model_directory):
    """Case to the arguments of a bad command and what its line has to say."""
    trained, output = f"--model={model_directory}", f"--output={parts}/bad.html"
    return {
        "no model": (
            (f"--model={parts}/empty", output),
            r"no model directory.*Received: .*empty$",
        ),
        "no such split": (
            (trained, output, "--split=val"),
            r"no such split.*Received: .*val",
        ),
        "no page": (
            (trained, f"--output={parts}/page.pdf"),
            r"--output must end in \.html\. Received: --output=.*page\.pdf$",
        ),
        "artefacts of another model": (
            (trained, output, f"--artefacts={parts}/foreign"),
            r"made from another model: export it again.*foreign with model\.onnx$",
        ),
    }


CASES = tuple(_bad_commands("", ""))


@pytest.fixture(scope="module")
def refused(fork_mains, parts, model_directory):
    bad = _bad_commands(parts, model_directory)
    done = fork_mains({case: (REPORT, *bad[case][0]) for case in CASES})
    return {case: (done[case], bad[case][1]) for case in CASES}


@pytest.mark.parametrize("case", CASES)
def test_bad_input_is_one_line(refused, parts, case, tried):
    done, expected = refused[case]
    assert done.returncode == 2, done.stderr
    (line,) = (line for line in done.stderr.splitlines() if line.startswith("error: "))
    assert line == done.stderr.splitlines()[-1]
    assert re.search(expected, line), line
    assert not (parts / "bad.html").exists()
    tried("report", case, line)
