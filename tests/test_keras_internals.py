"""The private parts of Keras: each does what it is used for, and no other module uses any."""

import ast
import importlib
import inspect
import pathlib
import pkgutil

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_crosspool
from keras_crosspool import fine_tuning, keras_internals, layers, models
from keras_crosspool.keras_internals import (
    OptimizerHooks,
    SymbolicBuildHook,
    call_arguments,
    graph_nodes,
)

PACKAGE = pathlib.Path(keras_crosspool.__file__).parent
MODULES = {
    ".".join(["keras_crosspool", *path.relative_to(PACKAGE).with_suffix("").parts]): path
    for path in sorted(PACKAGE.rglob("*.py"))
}
INTERNALS = keras_internals.__name__
# Private, but not Keras': LiteRT's interpreter tells the operators of a file in no other way.
NOT_OF_KERAS = {"interpreter._get_ops_details"}


def test_names_the_versions_of_the_constraints():
    pins = (PACKAGE.parent / "constraints.txt").read_text().splitlines()
    pinned = dict(line.split("==") for line in pins if "==" in line)
    words = f"Tested with Keras {pinned['keras']} and TensorFlow {pinned['tensorflow_cpu']}."
    assert words in keras_internals.__doc__


@pytest.fixture
def branched():
    """A model with a branch, and a layer that is called twice."""
    image = keras.Input((4,), name="image")
    twice = keras.layers.Dense(4, name="twice")
    x = twice(twice(image))
    return keras.Model(image, keras.layers.Add(name="sum")([x, image]))


def test_graph_nodes_are_the_edges_of_the_saved_config(branched):
    nodes = graph_nodes(branched)
    calls = [node.operation.name for node in nodes]
    assert calls == ["image", "twice", "twice", "sum"]
    assert [node.is_input for node in nodes] == [True, False, False, False]
    made = {}
    for index, node in enumerate(nodes):
        made |= {
            id(tensor): (calls[index], calls[:index].count(calls[index]))
            for tensor in node.output_tensors
        }
    found = {
        layer: [
            sorted(made[id(tensor)] for tensor in node.input_tensors)
            for node in nodes
            if node.operation.name == layer and not node.is_input
        ]
        for layer in set(calls)
    }
    saved = {
        layer["name"]: [_producers(node["args"]) for node in layer["inbound_nodes"]]
        for layer in branched.get_config()["layers"]
    }
    assert found == saved


def _producers(arguments):
    """The layer and the call, of it, that each tensor of saved arguments comes from."""
    histories = []

    def visit(value):
        if isinstance(value, dict) and value.get("class_name") == "__keras_tensor__":
            histories.append(tuple(value["config"]["keras_history"][:2]))
        elif isinstance(value, dict):
            visit(list(value.values()))
        elif isinstance(value, list | tuple):
            for item in value:
                visit(item)

    visit(arguments)
    return sorted(histories)


def test_call_arguments_take_other_tensors():
    x = keras.Input((3,))
    model = keras.Model(x, keras.ops.clip(x, x_min=-1.0, x_max=2.0))
    (node,) = [node for node in graph_nodes(model) if not node.is_input]
    other = np.array([[-5.0, 0.5, 5.0]], "float32")
    args, kwargs = call_arguments(node, {id(node.input_tensors[0]): other})
    assert args[0] is other
    np.testing.assert_array_equal(node.operation(*args, **kwargs), [[-1.0, 0.5, 2.0]])


class _SGD(OptimizerHooks, keras.optimizers.SGD):
    pass


GRADIENTS = [np.array([3.0, 4.0], "float32"), np.array([0.0, 12.0], "float32")]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, GRADIENTS),
        ({"clipnorm": 5.0}, [[3, 4], [0, 5]]),
        ({"global_clipnorm": 6.5}, [[1.5, 2], [0, 6]]),  # of 13 = sqrt(9 + 16 + 144)
        ({"clipvalue": 3.5}, [[3, 3.5], [0, 3.5]]),
    ],
)
def test_gradients_are_clipped_as_the_options_say(options, expected):
    optimizer = _SGD(1.0, **options)
    tensors = [keras.ops.convert_to_tensor(x) for x in GRADIENTS]
    np.testing.assert_allclose(optimizer.clipped(tensors), expected, rtol=1e-6)
    variables = [keras.Variable([0.0, 0.0]) for _ in GRADIENTS]
    optimizer.apply(tensors, variables)
    np.testing.assert_allclose([x.numpy() for x in variables], -np.array(expected), rtol=1e-6)


def test_an_optimizer_clips_by_what_overrules():
    class Zeroed(_SGD):
        def clipped(self, gradients):
            return [0 * gradient for gradient in gradients]

    variable = keras.Variable([1.0])
    Zeroed(1.0).apply([keras.ops.ones(1)], [variable])
    assert variable.numpy() == [1]


def test_the_weight_decay_is_left_to_the_subclass():
    for kind, left in ((keras.optimizers.SGD, 0.5), (_SGD, 1.0)):
        variable = keras.Variable([1.0])
        kind(1.0, weight_decay=0.5).apply([keras.ops.zeros(1)], [variable])
        assert variable.numpy() == [left]


def test_variables_are_known_by_index_and_by_name():
    variables = [keras.Variable([0.0], name=name) for name in ("kernel", "bias")]
    optimizer = _SGD(1.0)
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    optimizer.build(variables)
    for known in (variables, [variable.value for variable in variables]):
        assert [optimizer.variable_index(variable) for variable in known] == [0, 1]
    assert [optimizer.decays(variable) for variable in variables] == [True, False]


def test_the_build_batch_is_the_first_of_the_fit():
    seen = []

    class Watched(SymbolicBuildHook, keras.Model):
        def build_batch(self, batch):
            seen.append(keras.tree.map_structure(np.asarray, batch))
            assert not self.optimizer.built
            return super().build_batch(batch)

    with tf.distribute.MirroredStrategy(["CPU:0"]).scope():
        image = keras.Input((3,))
        model = Watched(image, keras.layers.Dense(1)(image))
        model.compile("sgd", "mse", metrics=["mae"])
    images, targets = np.arange(12.0).reshape(4, 3), np.arange(4.0).reshape(4, 1)
    model.fit(images, targets, batch_size=2, shuffle=False, verbose=0)
    ((x, y),) = seen
    np.testing.assert_array_equal(x, images[:2])
    np.testing.assert_array_equal(y, targets[:2])


def _private(name):
    return name.startswith("_") and not name.startswith("__")


def _uses(tree):
    """The private attributes that a module reads or sets, as AST nodes."""
    return [x for x in ast.walk(tree) if isinstance(x, ast.Attribute) and _private(x.attr)]


def _definitions(tree):
    """The names that a module gives its own objects: functions, fields and attributes of self."""
    functions = {x.name for x in ast.walk(tree) if isinstance(x, ast.FunctionDef)}
    names = {x.id for x in ast.walk(tree) if isinstance(x, ast.Name) if _is_stored(x)}
    return functions | names | {x.attr for x in _uses(tree) if _is_stored(x)}


def _is_stored(node):
    return isinstance(node.ctx, ast.Store)


def _known(name, trees):
    """What a module may read of itself: what it defines, and what the modules it imports do."""
    waiting, seen = [name], set()
    while waiting:
        module = waiting.pop()
        if module in trees and module not in seen and module != INTERNALS:
            seen.add(module)
            imports = [x for x in ast.walk(trees[module]) if isinstance(x, ast.ImportFrom)]
            waiting += [x.module for x in imports]
            waiting += [f"{x.module}.{alias.name}" for x in imports for alias in x.names]
    return set().union(*(_definitions(trees[module]) for module in seen))


def _offences(name, trees):
    """The private names of others in a module, as they are written there."""
    known = _known(name, trees)
    for use in _uses(trees[name]):
        owner, written = ast.unparse(use.value), ast.unparse(use)
        ours = owner in ("self", "cls", "super()") and use.attr in known
        if not ours and written not in NOT_OF_KERAS:
            yield written
    for node in ast.walk(trees[name]):
        names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [ast.unparse(node)] if isinstance(node, ast.Attribute) else []
        names += [node.value] if isinstance(node, ast.Constant) else []
        for text in names:
            if isinstance(text, str) and ("keras.src" in text or "tensorflow.python" in text):
                yield text


TREES = {name: ast.parse(path.read_text()) for name, path in MODULES.items()}


@pytest.mark.parametrize("name", [name for name in MODULES if name != INTERNALS])
def test_no_other_module_uses_what_is_private(name):
    assert list(_offences(name, TREES)) == []


@pytest.mark.parametrize(
    "code",
    [
        "model._nodes_by_depth",
        "import keras.src.layers",
        "from tensorflow.python.eager import context",
        "importlib.import_module('keras.src')",
        "class A(keras.Model):\n    def f(self):\n        return self._loss_tracker",
        "class A(keras.Model):\n    def f(self):\n        return super()._symbolic_build()",
        "from keras_crosspool.keras_internals import OptimizerHooks as O\n"
        "class A(O):\n    def f(self, x):\n        return self._clip_gradients(x)",
    ],
)
def test_a_private_name_would_be_seen(code):
    assert len(list(_offences("new", TREES | {"new": ast.parse(code)}))) == 1


def _subclasses(kind):
    for subclass in kind.__subclasses__():
        yield subclass
        yield from _subclasses(subclass)


def test_no_other_class_overrules_what_is_private():
    for package in (fine_tuning, layers, models):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)
    roots = keras.Layer, keras.optimizers.Optimizer, keras.callbacks.Callback
    ours = {kind for root in roots for kind in _subclasses(root)}
    ours = {kind for kind in ours if kind.__module__ in MODULES}
    assert len(ours) > 10
    for kind in ours:
        own = {name for name, value in vars(kind).items() if inspect.isfunction(value)}
        bases = [base for base in kind.__mro__ if base.__module__.startswith("keras.")]
        of_keras = {name for base in bases for name in vars(base)}
        assert not {name for name in own & of_keras if _private(name)}, kind
