"""What importing the package loads, and that any room can be the first to be imported."""

import ast
import json
import pathlib
import subprocess
import sys

import pytest

import keras_crosspool

ROOT = pathlib.Path(keras_crosspool.__file__).parents[1]
LOADED = """
import json, sys
import keras
before = set(sys.modules)
{statement}
print(json.dumps(sorted(set(sys.modules) - before)))
"""


def _loaded(statement):
    """The modules that a statement loads in a new process that has Keras already."""
    done = subprocess.run(
        [sys.executable, "-c", LOADED.format(statement=statement)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize(
    "statement",
    [
        "import keras_crosspool",
        "from keras_crosspool import CrossLayerPooling, CrossPoolClassifier",
    ],
)
def test_importing_loads_little(statement):
    loaded = _loaded(statement)
    own = [name for name in loaded if name.startswith("keras_crosspool")]
    assert len(own) <= 36, own
    assert "keras_crosspool.models.classifier" in own  # it is registered
    assert not {"socket", "signal", "absl.app"} & set(loaded)


def _path(module):
    path = ROOT / module.replace(".", "/")
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def _imports(module):
    """What a module of ours imports of ours as it is imported: pairs of a module and a name."""
    for node in ast.parse(_path(module).read_text()).body:
        if isinstance(node, ast.ImportFrom) and node.module.startswith("keras_crosspool"):
            yield from ((node.module, alias.name) for alias in node.names)


def _rooms(module):
    """The rooms that a module is in, whose own imports come before it."""
    parents = module.split(".")[1:-1]
    return [f"keras_crosspool.{'.'.join(parents[: i + 1])}" for i in range(len(parents))]


def test_any_room_can_be_the_first_import():
    """Registration imports the classifier while the first room is still being imported.

    So whatever the classifier imports has to come from modules, and not from a room's own
    `__init__.py`, which may not be finished then.
    """
    waiting, seen = ["keras_crosspool.models.classifier"], set()
    while waiting:
        module = waiting.pop()
        if module in seen:
            continue
        seen.add(module)
        waiting += _rooms(module)
        for source, name in _imports(module):
            whole = f"{source}.{name}"
            if _path(source).name == "__init__.py":
                assert _path(whole).is_file(), f"{module} imports {name} from the room {source}"
                waiting.append(whole)
            else:
                waiting.append(source)
    assert len(seen) > 10


ROOMS = ["backbones", "layers", "models", "targets"]


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_with_layers_imports_keras_before_its_own_modules(room):
    first = next(
        node
        for node in ast.parse((ROOT / "keras_crosspool" / room / "__init__.py").read_text()).body
        if isinstance(node, ast.Import | ast.ImportFrom)
    )
    assert isinstance(first, ast.Import)
    assert first.names[0].name == "keras"
