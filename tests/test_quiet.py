"""Silence at the start: TensorFlow's notes are held back, and nothing else is."""

import os
import pathlib
import signal
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[1]
NOTES = (
    "WARNING: All log messages before absl::InitializeLog() is called are written to STDERR",
    "I0000 00:00:1700000000.000000   27575 port.cc:153] oneDNN custom operations are on. You may",
    "2026-01-02 03:04:05.678: I tensorflow/core/util/port.cc:153] oneDNN custom operations are on.",
    "I0000 00:00:1700000000.000000 7 cpu_feature_guard.cc:227] This TensorFlow binary is optimized "
    "to use available CPU instructions in performance-critical operations.",
    "To enable the following instructions: AVX2 FMA, in other operations, rebuild TensorFlow with "
    "the appropriate compiler flags.",
)
OTHERS = (
    "W0000 00:00:1700000000.000000   27575 port.cc:153] oneDNN custom operations are on.",
    "I0000 00:00:1700000000.000000   27575 gpu_device.cc:2020] Created device",
    "F0000 00:00:1700000000.000000 7 cpu_feature_guard.cc:31] The TensorFlow library was compiled",
    "a word on oneDNN custom operations are on.",
    "no line break at the end",
)


@pytest.fixture
def run_with(tmp_path):
    """A function that imports a package named tensorflow of some lines, as the mains do."""

    def run(lines, then="", **kwargs):
        (tmp_path / "tensorflow.py").write_text(lines)
        code = f"from keras_crosspool.quiet import silence_tensorflow\nsilence_tensorflow()\n{then}"
        return subprocess.run(
            [sys.executable, "-c", f"{code}\nimport os, tensorflow\nos.write(2, b'after')"],
            env=os.environ | {"PYTHONPATH": f"{tmp_path}:{ROOT}"},
            capture_output=True, text=True, check=False, **kwargs,
        )  # fmt: skip

    return run


def test_only_the_known_notes_are_dropped(run_with):
    text = "\n".join((*NOTES, *OTHERS))
    done = run_with(f"import os\nos.write(2, {text.encode()!r})")
    assert done.stderr == "\n".join(OTHERS) + "after"
    assert done.returncode == 0


def test_the_warning_on_retracing_is_dropped_and_no_other(run_with):
    lines = """import logging
log = logging.getLogger("tensorflow")
log.warning("%d out of the last 5 calls to f triggered tf.function retracing. Tracing is", 5)
log.warning("retracing is not all")
"""
    assert run_with(lines).stderr == "retracing is not all\nafter"


def test_an_import_that_fails_still_says_why(run_with):
    done = run_with(
        "import os\nos.write(2, b'native words\\n')\nraise ImportError('no such library')"
    )
    assert done.returncode == 1
    assert done.stderr.startswith("native words\nTraceback")
    assert "ImportError: no such library" in done.stderr


def test_the_last_words_of_a_crash_are_shown(run_with):
    done = run_with("import os\nos.write(2, b'F0000 no AVX\\n')\nos.abort()")
    assert (done.returncode, done.stderr) == (-signal.SIGABRT, "F0000 no AVX\n")


def test_a_closed_standard_error_is_no_failure(run_with):
    done = run_with("print('imported')", then="import os\nos.close(2)\n")
    assert done.stdout == "imported\n"


def test_commands_start_in_silence(model_directory, tiny_folder):
    photo = sorted((tiny_folder / "test" / "Orange").iterdir())[0]
    command = [sys.executable, "-m", "keras_crosspool.predict", f"--model={model_directory}", photo]
    silent, verbose = (_run_as_ever(command + extra) for extra in ([], ["--verbosity=1"]))
    assert (silent.returncode, silent.stderr) == (0, "")
    # The one note that every processor brings about.
    assert "All log messages before absl::InitializeLog() is called" in verbose.stderr


def _run_as_ever(command):
    """The command as where the environment says nothing on what TensorFlow logs."""
    env = {name: x for name, x in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
    return subprocess.run(
        command, env=env | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False
    )
