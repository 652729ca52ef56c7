"""The main extract_beam: what it says with and without Beam, and the bytes of extract."""

import importlib.util
import shutil

import keras
import numpy as np
import pytest

from keras_crosspool import load_model

EXTRACT, EXTRACT_BEAM = "keras_crosspool.extract", "keras_crosspool.extract_beam"
PROCESSES = ("--", "--direct_running_mode=multi_processing", "--direct_num_workers=2")

with_beam = pytest.mark.skipif(
    importlib.util.find_spec("apache_beam") is None, reason="Apache Beam is not installed"
)
without_beam = pytest.mark.skipif(
    importlib.util.find_spec("apache_beam") is not None, reason="Apache Beam is installed"
)


def _contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def _error(done):
    assert done.returncode == 2, done.stderr
    (line,) = (line for line in done.stderr.splitlines() if line.startswith("error: "))
    assert done.stderr.splitlines()[-1] == line
    return line


def test_help_in_words(run_main):
    done = run_main(EXTRACT_BEAM, "--help")
    assert done.returncode == 0, done.stderr
    assert "python -m keras_crosspool.extract_beam " in done.stdout
    assert "--shard_size:" in done.stdout


@without_beam
def test_without_beam_one_line_says_what_to_install(run_main, model_directory, tmp_path):
    done = run_main(EXTRACT_BEAM, f"--model={model_directory}", f"--output={tmp_path}/out")
    assert "Run `pip install keras_crosspool[beam]`" in _error(done)
    assert not (tmp_path / "out").exists()


@pytest.fixture(scope="module")
def single(run_main, model_directory, tmp_path_factory):
    """The arguments of an extraction of 18 images, and its folder by one process."""
    output = tmp_path_factory.mktemp("single") / "descriptors"
    arguments = (f"--model={model_directory}", "--batch_size=2", "--shard_size=4")
    done = run_main(EXTRACT, *arguments, f"--output={output}")
    assert done.returncode == 0, done.stderr
    return arguments, output


@with_beam
def test_two_processes_write_the_bytes_of_one(run_main, single, tmp_path, half_written):
    arguments, expected = single
    output = tmp_path / "descriptors"
    command = (EXTRACT_BEAM, *arguments, f"--output={output}", *PROCESSES)
    done = run_main(*command)
    assert done.returncode == 0, done.stderr
    assert "18 images of train, 512 values each as float16: " in done.stdout
    assert "images/s" in done.stdout
    assert _contents(output) == _contents(expected)

    for number in (0, 3):
        (output / f"descriptors-{number:05d}.npy").unlink()
    half_written(output / "descriptors-00000.npy").write_bytes(b"half")
    done = run_main(*command)
    assert done.returncode == 0, done.stderr
    assert "10 of them were there already" in done.stdout
    assert _contents(output) == _contents(expected)


@with_beam
@pytest.mark.parametrize(
    ("more", "words"),
    [
        (("--format=packed",), "made with other settings"),
        (("--", "--direct_num_worker=2"), "knows no such pipeline options"),
    ],
)
def test_bad_input(run_main, single, tmp_path, more, words):
    arguments, expected = single
    output = tmp_path / "descriptors"
    shutil.copytree(expected, output)
    assert words in _error(run_main(EXTRACT_BEAM, *arguments, f"--output={output}", *more))
    assert _contents(output) == _contents(expected)


@with_beam
def test_what_ends_a_worker_is_said_in_one_line(run_main, model_directory, tmp_path):
    model, _ = load_model(model_directory)
    layer = next(layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D))
    layer.set_weights([weights * np.nan for weights in layer.get_weights()])
    shutil.copytree(model_directory, tmp_path / "diverged")
    model.save(tmp_path / "diverged" / "model.keras")
    output = tmp_path / "descriptors"
    done = run_main(EXTRACT_BEAM, f"--model={tmp_path}/diverged", f"--output={output}", *PROCESSES)
    assert "Received: FloatingPointError: Descriptors must be finite" in _error(done)
    assert sorted(path.name for path in output.iterdir()) == ["descriptors.json", "index.csv"]
