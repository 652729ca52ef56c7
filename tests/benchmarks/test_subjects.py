"""What may be compared in one table, and what is refused."""

import contextlib
import json
import shutil

import numpy as np
import pytest
from scipy.special import softmax

from benchmarks.latency import subjects
from benchmarks.latency.candidate import Candidate
from benchmarks.latency.results import read_results
from benchmarks.latency.subjects import open_subjects
from benchmarks.latency.worker import Worker
from keras_crosspool.exporting import formats
from keras_crosspool.exporting.source import load_source


def _change_record(source, target, **model):
    """A copy of an artefact whose record names another model."""
    shutil.copy(source, target)
    record = json.loads(source.with_name(f"{source.name}.json").read_text())
    record["model"] |= model
    target.with_name(f"{target.name}.json").write_text(json.dumps(record))
    return target


def _batch_of_eight(source, target):
    shutil.copy(source, target)
    record = json.loads(source.with_name(f"{source.name}.json").read_text())
    record["inputs"][0]["shape"][0] = 8
    target.with_name(f"{target.name}.json").write_text(json.dumps(record))
    return target


def test_threads_make_lines_of_their_own(workshop):
    found = open_subjects([workshop / "model.tflite"], threads=(1, 2, 4))
    assert [candidate.threads for candidate in found.candidates] == [1, 2, 4]
    assert len({candidate.name for candidate in found.candidates}) == 3


@pytest.mark.parametrize(
    ("name", "runtime", "threads"),
    [("savedmodel", "TensorFlow", [None]), ("openvino", "OpenVINO", [1, 2])],
)
def test_a_folder_is_timed_as_an_artefact(workshop, tmp_path, name, runtime, threads):
    row = formats.get_format(name)
    path = tmp_path / f"model{row.suffix}"
    record = formats.resolve(row.exporter)(load_source(workshop / "model"), path)
    candidates = open_subjects([path]).candidates
    assert [(each.runtime, each.threads) for each in candidates] == [
        (runtime, count) for count in threads
    ]
    size = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    assert candidates[0].bytes == record.bytes == size
    pixels = np.random.default_rng(0).integers(0, 256, (3, 48, 48, 3), "uint8")
    np.save(tmp_path / "images.npy", pixels)
    with contextlib.closing(Worker(candidates[0], tmp_path / "images.npy")) as worker:
        worker.load()
        assert len(worker.time([0, 2])) == 2
        scores = worker.score()["scores"]
    logits = load_source(workshop / "model").model.predict(pixels.astype("float32"), verbose=0)
    expected = softmax(logits, axis=1) if name == "savedmodel" else logits
    np.testing.assert_allclose(scores, expected, atol=1e-4)


def test_keras_lines_are_named_by_the_call(workshop):
    found = open_subjects([], workshop / "model", keras_calls=("predict",))
    assert [(c.name, c.precision) for c in found.candidates] == [
        ("Keras model.predict_on_batch(x)", "float32")
    ]


def test_images_are_the_models_own_unless_named(workshop, grocery):
    found = open_subjects([], workshop / "model")
    images = found.read_images(limit=4)
    assert images.split == "test"
    assert images.data == str(grocery)
    with pytest.raises(ValueError, match="--data=FOLDER"):
        open_subjects([workshop / "model.tflite"]).read_images()


def test_labels_are_indices_into_the_models_classes(workshop, grocery, tmp_path):
    from keras_crosspool.data import load_images, open_split

    names = open_split(grocery, "test").class_names
    turned = _change_record(
        workshop / "model.onnx", tmp_path / "turned.onnx", class_names=list(names[::-1])
    )
    images = open_subjects([turned]).read_images(grocery, "test")
    _, labels = load_images(open_split(grocery, "test"), 48)
    assert (images.labels == len(names) - 1 - labels).all()


def test_nothing_to_run():
    with pytest.raises(ValueError, match="Nothing to run here"):
        open_subjects([])


@pytest.mark.parametrize("key", ["class_names", "image_size"])
def test_other_jobs_are_refused(workshop, tmp_path, key):
    change = {"class_names": ["Pineapple"], "image_size": 64}[key]
    other = _change_record(workshop / "model.onnx", tmp_path / "other.onnx", **{key: change})
    with pytest.raises(ValueError, match=rf"{key} differ.*other\.onnx"):
        open_subjects([workshop / "model.tflite", other])


def test_same_name_twice_is_refused(workshop):
    with pytest.raises(ValueError, match=r"Received twice: model\.tflite"):
        open_subjects([workshop / "model.tflite"] * 2)


def test_larger_batch_is_refused(workshop, tmp_path):
    path = _batch_of_eight(workshop / "model.onnx", tmp_path / "eight.onnx")
    with pytest.raises(ValueError, match=r"one image at a time.*batches of 8"):
        open_subjects([path])


def test_file_must_be_that_of_its_record(workshop, tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes((workshop / "model.onnx").read_bytes() + b" ")
    shutil.copy(workshop / "model.onnx.json", tmp_path)
    with pytest.raises(ValueError, match="sha256"):
        open_subjects([path])


def test_directories_and_other_files_are_refused(workshop, tmp_path):
    with pytest.raises(ValueError, match="--model=DIR"):
        open_subjects([workshop / "model"])
    with pytest.raises(ValueError, match="no model directory"):
        open_subjects([], tmp_path)
    with pytest.raises(ValueError, match=r"notes\.txt"):
        open_subjects([tmp_path / "notes.txt"])


@pytest.mark.parametrize(("gpus", "runs"), [([], ["a"]), (["H200"], ["a", "b"])])
def test_what_needs_a_gpu_is_listed_where_there_is_none(monkeypatch, gpus, runs):
    monkeypatch.setattr(subjects, "gpu_names", lambda: gpus)
    candidates = [
        Candidate(name, "runtime", f"{name}.engine", "int8", 1, None, needs_gpu=name == "b")
        for name in "ab"
    ]
    found, left = subjects._split_by_gpu(candidates)
    assert [candidate.name for candidate in found] == runs
    assert [row["file"] for row in left] == [f"{n}.engine" for n in "ab" if n not in runs]


_RESULT = (
    '{"machine": {}, "versions": {}, "settings": {"rounds": %s}, "images": {"sha256": "0"}, '
    '"runtimes": %s}'
)


@pytest.mark.parametrize(
    "text",
    [
        "no json",
        "[]",
        '{"runtimes": []}',
        _RESULT % ('"ten"', "[]"),
        _RESULT % ("10", "[3]"),
        _RESULT % ("10", '[{"name": "keras", "samples_ns": [[1, "x"]], "summary": {"p50_ms": 1}}]'),
    ],
)
def test_other_json_is_no_result(tmp_path, text):
    path = tmp_path / "old.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"Received: .*old\.json"):
        read_results(path)
    with pytest.raises(ValueError, match="no file"):
        read_results(tmp_path / "absent.json")
