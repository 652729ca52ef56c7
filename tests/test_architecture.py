"""The rooms of the package: who may import whom, how long files and functions may be."""

import ast
import pathlib
import re

import pytest

import keras_crosspool

PACKAGE = pathlib.Path(keras_crosspool.__file__).parent
ROOT = PACKAGE.parent
# Each room imports only itself, rooms before it, and the modules beside the rooms.
ROOMS = (
    "numerics",
    "recipes",
    "config",
    "layers",
    "targets",
    "backbones",
    "data",
    "sessions",
    "distribution",
    "models",
    "closed_form",
    "fine_tuning",
    "evaluation",
    "audit",
    "exporting",
    "report",
    "training",
    "retrieval",
    "page",
    "demo",
)
# A method of the model is the door to what is built on models; it imports when it is called.
DOORS = {("models/classifier.py", "closed_form")}
PYTHON = sorted(
    path
    for folder in ("keras_crosspool", "export", "benchmarks", "tools")
    for path in (ROOT / folder).rglob("*.py")
)


def _room(path):
    part = path.relative_to(PACKAGE).parts[0]
    return part if part in ROOMS else None


def _imported(path):
    """The rooms that a file imports, at its top or in a function."""
    for node in ast.walk(ast.parse(path.read_text())):
        names = []
        if isinstance(node, ast.ImportFrom) and node.module == "keras_crosspool":
            names = [f"keras_crosspool.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        for name in names:
            parts = name.split(".")
            if parts[0] == "keras_crosspool" and len(parts) > 1 and parts[1] in ROOMS:
                yield parts[1]


@pytest.mark.parametrize("room", ROOMS)
def test_no_import_points_upwards(room):
    above = set(ROOMS[ROOMS.index(room) + 1 :])
    for path in (PACKAGE / room).rglob("*.py"):
        name = str(path.relative_to(PACKAGE))
        upwards = {other for other in set(_imported(path)) & above if (name, other) not in DOORS}
        assert not upwards, f"{name} imports {upwards}"


def test_every_folder_is_a_room():
    folders = {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").is_file()}
    assert folders == set(ROOMS)


def test_numerics_takes_no_keras():
    for path in (PACKAGE / "numerics").rglob("*.py"):
        assert not re.search(r"^\s*(import|from) (keras|tensorflow)\b", path.read_text(), re.M), (
            path
        )


@pytest.mark.parametrize("path", PYTHON, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_and_functions_are_short(path):
    text = path.read_text()
    assert len(text.splitlines()) <= 300
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            first = node.body[0]
            said = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
            docstring = first.end_lineno - first.lineno + 1 if said else 0
            length = node.end_lineno - node.lineno + 1 - docstring
            assert length <= 60, f"{node.name} has {length} lines"


def _strings_of_raises(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Raise):
            yield from (
                part.value
                for part in ast.walk(node)
                if isinstance(part, ast.Constant) and isinstance(part.value, str)
            )


LIBRARY = [
    path
    for path in PYTHON
    if path.is_relative_to(PACKAGE)
    and _room(path)
    and "mains" not in path.parts
    and path.name not in ("flags.py", "exporter_main.py", "beam.py", "launcher.py")
]


@pytest.mark.parametrize("path", LIBRARY, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_error_of_the_library_speaks_of_flags(path):
    for text in _strings_of_raises(path):
        assert not re.search(r"(?<![\w-])--[a-z]", text), text


def test_docs_name_the_files_from_the_command_to_the_kernel():
    """The list of docs/method.md: each file is there, and the one before imports it."""
    page = (ROOT / "docs" / "method.md").read_text()
    section = page.split("## From the command to the solved kernel")[1].split("\n## ")[0]
    files = re.findall(r"^\d+\. `([\w/]+\.py)`", section, re.M)
    assert 5 < len(files) <= 12
    assert files[0] == "keras_crosspool/train.py"
    assert files[-1] == "keras_crosspool/numerics/group_out.py"
    for i, name in enumerate(files[1:], 1):
        module = name.removesuffix(".py").replace("/", ".")
        parent, _, leaf = module.rpartition(".")
        before = "".join((ROOT / earlier).read_text() for earlier in files[:i])
        imported = f"from {module} import" in before or re.search(
            rf"from {re.escape(parent)} import .*\b{leaf}\b", before
        )
        assert imported, f"nothing before it imports {name}"
