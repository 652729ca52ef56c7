"""The command `crosspool`: its verbs, its help, and that each verb is the main of its module."""

import ast
import configparser
import importlib
import pathlib

import pytest

import keras_crosspool
from keras_crosspool import cli

ROOT = pathlib.Path(__file__).parents[1]


@pytest.fixture
def crosspool(run_main):
    """A function that runs `crosspool ARGUMENTS`."""

    def run(*arguments, **kwargs):
        return run_main("keras_crosspool.cli", *arguments, **kwargs)

    return run


def test_the_installed_command_is_this_one():
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    (script,) = config["options.entry_points"]["console_scripts"].split("\n")[1:]
    name, module, function = script.replace("=", ":").split(":")
    assert name.strip() == "crosspool"
    assert getattr(importlib.import_module(module.strip()), function) is cli.main


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"], ["help"]])
def test_help_lists_every_verb(crosspool, arguments):
    done = crosspool(*arguments)
    assert (done.returncode, done.stderr) == (0, "")
    for verb in cli.VERBS:
        (line,) = [line for line in done.stdout.splitlines() if line.startswith(f"  {verb}  ")]
        first_words = " ".join(cli.summary(verb).split()[:3])
        assert first_words in line
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_every_main_has_a_verb():
    mains = {
        f"keras_crosspool.{path.relative_to(ROOT / 'keras_crosspool').with_suffix('')}"
        for path in (ROOT / "keras_crosspool").rglob("*.py")
        if '__name__ == "__main__"' in path.read_text() and path.name != "cli.py"
    }
    mains.remove("keras_crosspool.__main__")  # the command itself
    assert {name.replace("/", ".") for name in mains} == {
        row.split()[0] for row in cli.VERBS.values()
    }


def test_version(crosspool):
    assert crosspool("--version").stdout == f"crosspool {keras_crosspool.__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["trian"], "did you mean crosspool train? Received: trian"),
        (["export", "onxx", "--help"], "did you mean crosspool export onnx? Received: export onxx"),
        (["onnx"], "did you mean crosspool export onnx? Received: onnx"),
        (
            ["export", "keras"],
            "crosspool export takes tflite, onnx, tensorrt, savedmodel, openvino. "
            "Received: export keras",
        ),
        (["xyzzy"], "crosspool --help lists them. Received: xyzzy"),
        (["\x1b[31m"], r"crosspool --help lists them. Received: \x1b[31m"),
        (["--model=model"], "crosspool --help lists them. Received: --model=model"),
    ],
    ids=lambda value: value[-1] if isinstance(value, list) else None,
)
def test_an_unknown_verb_is_one_line(crosspool, arguments, line):
    done = crosspool(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"error: There is no such command: {line}\n"


@pytest.mark.parametrize(
    ("verb", "flag"),
    [
        ("launch", "--restarts"),
        ("predict", "--max_megapixels"),
        ("extract_beam", "--format"),
        ("export", "--formats"),
        ("export tensorrt", "--profile"),
    ],
)
def test_a_verb_has_the_help_of_its_main(crosspool, run_main, verb, flag):
    done = crosspool(*verb.split(), "--help")
    assert done.returncode == 0, done.stderr
    assert f"\ncrosspool {verb.replace('_', '-')}:\n" in done.stdout
    assert f"  {flag}: " in done.stdout
    alone = run_main(*cli.VERBS[verb.replace("_", "-")].split(), "--help")
    assert done.stdout.split(":\n  -", 1)[1] == alone.stdout.split(":\n  -", 1)[1]


def test_a_verb_ends_as_its_main_does(crosspool):
    done = crosspool("evaluate", "--model=nowhere", "photo.jpg")
    assert done.returncode == 2
    assert done.stderr.startswith("error: Only flags are taken here")
    assert done.stderr.endswith("Received: photo.jpg\n")


def test_a_verb_runs(crosspool, model_directory, tiny_folder, tmp_path):
    photo = sorted((tiny_folder / "test" / "Orange").iterdir())[0]
    done = crosspool("predict", f"--model={model_directory}", photo, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert photo.name in done.stdout.replace("\n", "")


def test_the_package_needs_nothing_of_a_checkout():
    """Commands of an installed wheel have no folder of scripts beside them."""
    others = {"export", "benchmarks", "tools", "tests"}
    for path in (ROOT / "keras_crosspool").rglob("*.py"):
        nodes = list(ast.walk(ast.parse(path.read_text())))
        names = [alias.name for n in nodes if isinstance(n, ast.Import) for alias in n.names]
        names += [n.module or "" for n in nodes if isinstance(n, ast.ImportFrom)]
        assert not others & {name.partition(".")[0] for name in names}, path


def test_the_package_itself_is_the_command(crosspool, run_main):
    assert run_main("keras_crosspool", "help").stdout == crosspool("help").stdout
