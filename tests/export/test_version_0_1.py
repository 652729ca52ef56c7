"""Files that version 0.1 exported still open, and say what they said.

`fixtures/version_0_1` holds what the code of that time exported from the model directory in
`tests/models/fixtures/version_0_1`, and `version_0_1_outputs.npz` what its runners then gave.
"""

import contextlib
import pathlib
import shutil

import numpy as np
import pytest

from benchmarks.latency.subjects import open_subjects
from benchmarks.latency.worker import Worker
from keras_crosspool.data import load_images, open_split
from keras_crosspool.exporting.artefact import check_replaceable, read_artefact
from keras_crosspool.exporting.images import Images
from keras_crosspool.exporting.parity import Comparator
from keras_crosspool.exporting.runners import open_runner
from keras_crosspool.exporting.source import load_source

_HERE = pathlib.Path(__file__).parent / "fixtures"
_FOLDER = _HERE / "version_0_1"
_MODEL = _HERE.parents[1] / "models" / "fixtures" / "version_0_1"
_FILES = ("float32.onnx", "float32.tflite", "int8.onnx", "int8.tflite")
_TOLERANCES = {"float32": 1e-5, "int8": 0.05}  # int8 rounds otherwise on another processor


@pytest.fixture(scope="module")
def outputs():
    with np.load(_HERE / "version_0_1_outputs.npz") as arrays:
        return dict(arrays)


@pytest.fixture(scope="module")
def comparator(grocery, tmp_path_factory):
    """The photographs on which version 0.1 compared the files, and its model as it loads today."""
    folder = tmp_path_factory.mktemp("photographs")
    for name, source in (("apple", "Golden-Delicious"), ("pear", "Anjou"), ("plum", "Orange")):
        shutil.copytree(grocery / "test" / source, folder / "test" / name)
    pixels, labels = load_images(open_split(str(folder), "test"), 32)
    return Comparator(Images(pixels, labels, str(folder), "test"), load_source(_MODEL).model)


@pytest.mark.parametrize("name", _FILES)
def test_a_file_gives_what_it_gave(name, outputs):
    record = read_artefact(_FOLDER / name)
    assert (record.file, record.versions["keras_crosspool"]) == (name, "0.1.0")
    with open_runner(_FOLDER / name) as runner:
        found = runner.run(outputs["images"])
    assert runner.batch_size == record.inputs[0]["shape"][0] == 1
    assert not runner.gives_probabilities
    atol = _TOLERANCES[record.precision] * np.ptp(outputs[name])
    np.testing.assert_allclose(found, outputs[name], atol=atol)


@pytest.mark.parametrize("name", _FILES)
def test_a_file_is_as_close_to_its_model_as_its_record_says(name, comparator):
    record = read_artefact(_FOLDER / name)
    with open_runner(_FOLDER / name) as runner:
        result = comparator.compare(runner, record.precision)
    said = record.parity
    assert result
    assert result.compared == said["pictures"]
    assert result.agreement == pytest.approx(said["agreement"], abs=1 / 36)
    assert result.reference_score == pytest.approx(said["reference_score"], abs=1 / 36)
    assert result.cosine["median"] == pytest.approx(said["cosine"]["median"], abs=1e-3)
    assert result.max_abs_of_range == pytest.approx(said["max_abs_of_range"], abs=0.02)


def test_files_and_model_are_compared_in_one_table(outputs, tmp_path):
    found = open_subjects([_FOLDER / name for name in _FILES], _MODEL, (1,), ("predict",))
    assert [each.file for each in found.candidates] == ["version_0_1", *_FILES]
    assert found.description["class_names"] == ["apple", "pear", "plum"]
    np.save(tmp_path / "images.npy", outputs["images"])
    for candidate in found.candidates[:3]:
        with contextlib.closing(Worker(candidate, tmp_path / "images.npy")) as worker:
            worker.load()
            score = worker.score()
        assert not score["are_probabilities"]
        np.testing.assert_allclose(score["scores"], outputs["float32.onnx"], atol=1e-4)


def test_a_file_may_be_replaced_by_a_new_export(tmp_path):
    for file in _FOLDER.glob("float32.tflite*"):
        shutil.copy(file, tmp_path)
    check_replaceable(tmp_path / "float32.tflite")
