"""What all mains share, tried on a main of a few lines that needs no TensorFlow."""

import os
import pathlib
import signal
import subprocess
import sys

import pytest

import keras_crosspool.mains

SCRIPT = f'''
"""Adds numbers, to try what mains share."""
import os, signal, sys, types
from absl import flags, logging
package = types.ModuleType("keras_crosspool")  # without what its __init__ imports
package.__path__ = {list(keras_crosspool.__path__)!r}
sys.modules["keras_crosspool"] = package
from keras_crosspool import files, mains
flags.DEFINE_integer("count", 1, "How many.", 1)
flags.DEFINE_integer("lines", 0, "More lines to print.")
flags.DEFINE_string("output", None, "Where to.", required=True)
flags.DEFINE_string("signal", None, "To send while it writes.")
ERRORS = {{
    "value": ValueError("The count is odd. Received: 3"),
    "lines": ValueError("First line.\\n\\n  Second   line."),
    "file": FileNotFoundError(2, "No such file", "photo.jpg"),
    "full": OSError(28, "No space left on device", "/disk/scores.json"),
    "import": ImportError("pip install it"),
    "module": ModuleNotFoundError("No module named 'PIL'"),
    "diverged": FloatingPointError("The loss is infinite"),
    "memory": MemoryError("Unable to allocate 745. GiB"),
    "escape": ValueError("Received: \\x1b]0;title\\x07 \\u202e \\udcff"),
    "bug": KeyError("a mistake of the program's own"),
}}
flags.DEFINE_enum("error", None, ["long", *ERRORS], "What.")
def write():
    with files.atomic_path(flags.FLAGS.output) as path:
        path.write_text("whole")
        os.kill(os.getpid(), getattr(signal, flags.FLAGS.signal))
def main(images):
    if flags.FLAGS.signal:
        return write()
    if flags.FLAGS.error == "long":
        raise ValueError("It is too long: " + "x" * (1 << 26) + " Received: a file")
    if flags.FLAGS.error:
        raise ERRORS[flags.FLAGS.error]
    logging.debug("%s is\\nlogged", "\\x1b[31mred" + "x" * 10_000)
    print("ran with", flags.FLAGS.count, *images)
    for number in range(flags.FLAGS.lines):
        print("line", number)
mains.run(main, positional="IMAGE" if "images" in sys.argv[0] else None)
'''


@pytest.fixture(scope="module")
def run_script(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scripts")

    def listen():  # whatever the shell that runs the tests turned off
        signal.signal(signal.SIGINT, signal.default_int_handler)

    def run(*arguments, name="plain", stdout=subprocess.PIPE, text=True, env=(), **kwargs):
        path = pathlib.Path(folder / f"{name}.py")
        path.write_text(SCRIPT)
        command = [sys.executable, path, *arguments]
        return subprocess.run(
            command, stdout=stdout, stderr=subprocess.PIPE, text=text, check=False,
            env=os.environ | dict(env), **{"preexec_fn": listen} | kwargs,
        )  # fmt: skip

    return run


def test_a_good_run(run_script):
    done = run_script("--output=x", "--count=3")
    assert (done.returncode, done.stdout, done.stderr) == (0, "ran with 3\n", "")
    done = run_script("--output=x", "a.jpg", "b.jpg", name="images")
    assert (done.returncode, done.stdout) == (0, "ran with 1 a.jpg b.jpg\n")


def test_an_error_of_the_system_says_what_to_do_and_where(run_script):
    done = run_script("--output=x", "--error=full")
    assert done.returncode == 2
    assert done.stderr == (
        "error: No space left on device: free some room there, or name another folder. Received: "
        "/disk/scores.json\n"
    )


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_a_signal_ends_it_in_order(run_script, name, tmp_path, tried):
    done = run_script(f"--output={tmp_path}/scores.json", f"--signal={name}")
    assert done.returncode == 75
    assert done.stderr == (
        "error: Asked to stop before the end; what was not complete is not written, and the same "
        f"command starts again. Received: {name}\n"
    )
    assert list(tmp_path.iterdir()) == []
    tried("files", f"{name} while a file is written", done.stderr)


def test_a_signal_that_the_shell_turned_off_stays_so(tmp_path):
    path = tmp_path / "plain.py"
    path.write_text(SCRIPT)
    command = f"trap '' INT; exec {sys.executable} {path} --output={tmp_path}/x --signal=SIGINT"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "x").read_text() == "whole"


def test_help_is_no_failure(run_script):
    done = run_script("--help")
    assert done.returncode == 0
    assert "Adds numbers, to try what mains share." in done.stdout
    assert "--count: How many." in done.stdout


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--output=x", "--cuont=3"], "Unknown command line flag 'cuont'"),
        ([], "flag --output=None: Flag --output must have a value other than None"),
        (["--output=x", "--count=0"], "flag --count=0: 0 is not a positive integer"),
        (["--output=x", "--count=many"], "flag --count=many: "),
        (["--output=x", "--error=typo"], "flag --error=typo: "),
        (["--output=x", "photo.jpg"], "Only flags are taken here, written --flag=value; see --he"),
        (["--output=x", "--error=value"], "The count is odd. Received: 3\n"),
        (["--output=x", "--error=lines"], "First line. Second line.\n"),
        (
            ["--output=x", "--error=file"],
            "No such file: see that the name is right",
        ),
        (["--output=x", "--error=import"], "pip install it\n"),
        (["--output=x", "--error=module"], "A package is missing: install it, or all"),
        (["--output=x", "--error=diverged"], "The loss is infinite\n"),
        (["--output=x", "--error=memory"], "The memory is not enough: take smaller batches"),
        (["--output=x", "--error=escape"], r"Received: \x1b]0;title\x07 \u202e \udcff" + "\n"),
    ],
    ids=lambda value: value[-1] if isinstance(value, list) and value else None,
)
def test_bad_input_ends_in_one_line_and_exit_code_2(run_script, arguments, line):
    done = run_script(*arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith(f"error: {line}")
    assert done.stderr.count("\n") == 1


def test_a_mistake_of_the_program_is_not_hidden(run_script):
    done = run_script("--output=x", "--error=bug")
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert 'KeyError: "a mistake of the program\'s own"' in done.stderr


def test_verbosity_shows_where_the_error_arose(run_script):
    done = run_script("--output=x", "--error=value", "--verbosity=1")
    assert done.returncode == 2
    assert "Traceback" in done.stderr
    assert done.stderr.splitlines()[-1] == "error: The count is odd. Received: 3"


def test_an_endless_error_is_shown_by_its_ends(run_script, tried):
    done = run_script("--output=x", "--error=long")
    assert done.returncode == 2
    assert len(done.stderr) < 2200
    assert done.stderr.startswith("error: It is too long: xxx")
    assert done.stderr.endswith("xxx Received: a file\n")
    start, *_, end = done.stderr.split("x" * 500)
    tried("environment", "an error of 64 MB", f"{start} ... {end}")


def test_logs_steer_no_terminal(run_script):
    done = run_script("--output=x", "--verbosity=1")
    assert done.returncode == 0
    (first, second) = done.stderr.splitlines()
    assert r"] \x1b[31mredxxx" in first
    assert second == "logged"
    assert len(first) < 2300


@pytest.mark.parametrize("lines", [0, 100_000], ids=["one line", "many lines"])
def test_a_reader_that_is_gone_ends_the_program_quietly(run_script, lines, tried):
    read, write = os.pipe()
    os.close(read)
    done = run_script("--output=x", f"--lines={lines}", stdout=write)
    os.close(write)
    assert (done.returncode, done.stderr) == (-signal.SIGPIPE, "")
    tried("environment", f"a reader that is gone, {lines + 1} lines", "ends by SIGPIPE, silently")


def test_an_output_that_is_closed_is_no_failure(run_script):
    done = run_script("--output=x", preexec_fn=lambda: os.close(1), stdout=None)
    assert (done.returncode, done.stderr) == (0, "")


def test_names_that_the_terminal_lacks_are_escaped(run_script):
    arguments = ["--output=x", "Päron", "梨", b"\xff.jpg"]
    done = run_script(*arguments, name="images", env={"PYTHONIOENCODING": "latin-1"}, text=False)
    assert done.returncode == 0
    assert done.stdout == b"ran with 1 P\xe4ron \\u68a8 \\udcff.jpg\n"
