"""What all mains share, tried on a main of a few lines that needs no TensorFlow."""

import pathlib
import subprocess
import sys

import pytest

import keras_crosspool.mains

SCRIPT = f'''
"""Adds numbers, to try what mains share."""
import importlib.util, sys
from absl import flags
spec = importlib.util.spec_from_file_location("mains", {keras_crosspool.mains.__file__!r})
mains = importlib.util.module_from_spec(spec)
spec.loader.exec_module(mains)
flags.DEFINE_integer("count", 1, "How many.", 1)
flags.DEFINE_string("output", None, "Where to.", required=True)
flags.DEFINE_enum("error", None, ["value", "lines", "file", "bug", "import", "diverged"], "What.")
ERRORS = {{
    "value": ValueError("The count is odd. Received: 3"),
    "lines": ValueError("First line.\\n\\n  Second   line."),
    "file": FileNotFoundError(2, "No such file", "photo.jpg"),
    "import": ImportError("pip install it"),
    "diverged": FloatingPointError("The loss is infinite"),
    "bug": KeyError("a mistake of the program's own"),
}}
def main(pictures):
    if flags.FLAGS.error:
        raise ERRORS[flags.FLAGS.error]
    print("ran with", flags.FLAGS.count, *pictures)
mains.run(main, positional="PICTURE" if "pictures" in sys.argv[0] else None)
'''


@pytest.fixture(scope="module")
def run_script(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scripts")

    def run(*arguments, name="plain"):
        path = pathlib.Path(folder / f"{name}.py")
        path.write_text(SCRIPT)
        command = [sys.executable, path, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    return run


def test_a_good_run(run_script):
    done = run_script("--output=x", "--count=3")
    assert (done.returncode, done.stdout, done.stderr) == (0, "ran with 3\n", "")
    done = run_script("--output=x", "a.jpg", "b.jpg", name="pictures")
    assert (done.returncode, done.stdout) == (0, "ran with 1 a.jpg b.jpg\n")


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
        (["--output=x", "--error=file"], "[Errno 2] No such file: 'photo.jpg'\n"),
        (["--output=x", "--error=import"], "pip install it\n"),
        (["--output=x", "--error=diverged"], "The loss is infinite\n"),
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
