"""Every public function, class and method is described, and every example in a docstring runs."""

import ast
import doctest
import importlib
import inspect
import pathlib
import pkgutil

import keras
import numpy as np
import pytest

import keras_crosspool
from keras_crosspool.layers import LocalRegions

ROOT = pathlib.Path(keras_crosspool.__file__).parents[1]
# They define flags when imported.
MAINS = {
    "train",
    "update",
    "evaluate",
    "predict",
    "extract",
    "extract_beam",
    "launch",
    "search",
    "flags",
}
MAINS |= {"__main__"}
MAINS |= {"export_all"}


def _modules():
    names = ["keras_crosspool"]
    names += [m.name for m in pkgutil.walk_packages(keras_crosspool.__path__, "keras_crosspool.")]
    return [name for name in names if name.rpartition(".")[2] not in MAINS]


def _tests(name):
    module = importlib.import_module(name)
    # What a user has at hand: the package, Keras and NumPy, and what the module itself names.
    names = {public: getattr(keras_crosspool, public) for public in keras_crosspool.__all__}
    names |= {"keras_crosspool": keras_crosspool, "keras": keras, "np": np}
    found = doctest.DocTestFinder().find(module, name, globs=names | vars(module))
    return [test for test in found if test.examples]


@pytest.mark.parametrize("name", _modules())
def test_examples_run(name, tmp_path, monkeypatch):
    tests = _tests(name)
    if not tests:
        pytest.skip("no examples")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").symlink_to(ROOT / "data")
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    for test in tests:
        keras.utils.set_random_seed(0)
        report = []
        runner.run(test, out=report.append)
        assert not report, "".join(report)


def test_a_wrong_example_would_be_seen(tmp_path, monkeypatch):
    monkeypatch.setattr(
        LocalRegions, "__doc__", LocalRegions.__doc__.replace("5, 5, 16", "5, 5, 17")
    )
    with pytest.raises(AssertionError, match=r"5, 5, 17"):
        test_examples_run("keras_crosspool.layers.local_regions", tmp_path, monkeypatch)


def _public(tree):
    """The public definitions of a module, and the public methods of its public classes."""
    for node in tree.body:
        if not isinstance(node, ast.FunctionDef | ast.ClassDef) or node.name.startswith("_"):
            continue
        yield node, None
        if isinstance(node, ast.ClassDef):
            for method in node.body:
                if isinstance(method, ast.FunctionDef) and not method.name.startswith("_"):
                    yield method, node


# Described by the class that they overrule.
OVERRULED = {
    "build",
    "call",
    "compute_output_shape",
    "from_config",
    "get_config",
    "update_step",
    "get_compile_config",
}
OVERRULED |= {"train_step", "test_step", "on_train_begin", "on_train_end", "on_epoch_begin"}
OVERRULED |= {"on_epoch_end", "on_train_batch_end"}


@pytest.mark.parametrize(
    "path", sorted((ROOT / "keras_crosspool").rglob("*.py")), ids=lambda path: path.stem
)
def test_what_is_public_is_described(path):
    tree = ast.parse(path.read_text())
    assert ast.get_docstring(tree)
    for node, owner in _public(tree):
        name = f"{path.name}: {node.name}"
        if node.name in OVERRULED or (owner is None and node.name == "main"):
            continue
        docstring = ast.get_docstring(node) or _described_by_its_class(path, node, owner)
        assert docstring, name
        assert len(docstring.splitlines()[0]) <= 100, name
        if owner is None and isinstance(node, ast.FunctionDef) and len(node.args.args) > 1:
            _check_arguments(node, docstring, name)


def _described_by_its_class(path, method, owner):
    """What the class, or one that it derives from, says of a method or an attribute."""
    if owner is None:
        return None
    if f" {method.name}: " in (ast.get_docstring(owner) or ""):
        return ast.get_docstring(owner)
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    of_ours = getattr(importlib.import_module(name), owner.name).__mro__[1:]
    bases = [base for base in of_ours if base.__module__.startswith("keras_crosspool")]
    return next((inspect.getdoc(vars(b)[method.name]) for b in bases if method.name in vars(b)), "")


def _check_arguments(node, docstring, name):
    if "Args:" not in docstring:  # one that says all in a sentence, or passes on to its twin
        return
    for argument in node.args.args + node.args.kwonlyargs:
        assert f" {argument.arg}: " in docstring or f"**{argument.arg}" in docstring, (
            f"{name}({argument.arg})"
        )
