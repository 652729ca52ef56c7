"""What importing the package loads, and that any room can be the first to be imported."""

import ast
import json
import os
import pathlib
import subprocess
import sys

import keras
import numpy as np
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
    ("statement", "most"),
    [
        ("import keras_crosspool", 25),
        # One more: the check that Keras is installed.
        ("from keras_crosspool import CrossLayerPooling, CrossPoolClassifier", 26),
    ],
)
def test_importing_loads_little(statement, most):
    loaded = _loaded(statement)
    own = [name for name in loaded if name.startswith("keras_crosspool")]
    assert len(own) <= most, own
    assert "keras_crosspool.models.classifier" in own  # it is registered
    assert not {"socket", "signal", "absl.app"} & set(loaded)


def test_a_saved_layer_of_the_second_order_family_is_imported_when_it_is_read(tmp_path):
    maps = keras.Input((4, 4, 3))
    model = keras.Model(maps, keras_crosspool.CompactBilinearPooling(units=8)(maps))
    model.save(tmp_path / "model.keras")
    images = np.random.default_rng(0).random((2, 4, 4, 3), "float32")
    np.save(tmp_path / "images.npy", images)
    script = (
        "import sys, keras, keras_crosspool, numpy as np\n"
        "assert 'keras_crosspool.layers.compact_bilinear_pooling' not in sys.modules\n"
        "model = keras.saving.load_model('model.keras')\n"
        "assert isinstance(model.layers[-1], keras_crosspool.CompactBilinearPooling)\n"
        "np.save('found.npy', model.predict(np.load('images.npy'), verbose=0))\n"
    )
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, env=env, check=True)
    found, expected = np.load(tmp_path / "found.npy"), model.predict(images, verbose=0)
    np.testing.assert_allclose(found, expected, atol=1e-6)


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
    tree = ast.parse((ROOT / "keras_crosspool" / room / "__init__.py").read_text())
    imports = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    names = [x.names[0].name if isinstance(x, ast.Import) else x.module for x in imports]
    assert next(name for name in names if name not in sys.stdlib_module_names) == "keras"
