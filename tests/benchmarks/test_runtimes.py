"""The study of runtimes: what a runtime says, why it refuses, and the table of a whole run."""

import json
import pathlib
import shutil

import numpy as np
import pytest

from benchmarks.runtimes import client
from benchmarks.runtimes.client import python_client

_LITERT = python_client("LiteRT", ("tflite",), "litert_interpreter")

_CHECKED = """
function checked(content) {
  if (content[0] === "n".charCodeAt(0)) throw new Error("not a model");
}
"""
_ONNX_RUNTIME = f"""{_CHECKED}
export const env = {{ wasm: {{}} }};
export class Tensor {{
  constructor(type, data, dims) {{ Object.assign(this, {{ type, data, dims }}); }}
}}
async function create(content) {{
  checked(content);
  const run = async ({{ image }}) => ({{ logits: {{ data: image.data.slice(0, 3) }} }});
  return {{ inputNames: ["image"], outputNames: ["logits"], run }};
}}
export const InferenceSession = {{ create }};
"""
_LITERT_JS = f"""{_CHECKED}
export class Tensor {{
  constructor(data, shape) {{ Object.assign(this, {{ values: data, shape }}); }}
}}
export async function loadLiteRt(folder) {{
  importScripts(`${{folder}}litert.js`);
  if (`${{self.found}}/` !== folder) throw new Error("unlike a worker");
}}
export async function loadAndCompile(content, {{ accelerator }}) {{
  checked(content);
  return {{ run: async ([{{ values }}]) => [{{ data: async () => values.slice(0, 3) }}] }};
}}
"""


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """A file of two random images."""
    path = tmp_path_factory.mktemp("shown") / "images.npy"
    np.save(path, np.random.default_rng(0).integers(0, 256, (2, 8, 8, 3), "uint8"))
    return path


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """A TFLite file that gives the mean of each colour, by TensorFlow's own converter."""
    import tensorflow as tf

    spec = [tf.TensorSpec((1, 8, 8, 3), tf.float32, name="image")]
    means = tf.function(lambda image: tf.reduce_mean(image, (1, 2)), input_signature=spec)
    functions = [means.get_concrete_function()]
    converter = tf.lite.TFLiteConverter.from_concrete_functions(functions, tf.Module())
    path = tmp_path_factory.mktemp("file") / "model.tflite"
    path.write_bytes(converter.convert())
    return path


def test_a_runtime_says_what_the_file_computes(file, shown):
    found = _LITERT.run(file, shown)
    np.testing.assert_allclose(found, np.load(shown).mean((1, 2)), rtol=1e-5)


def test_the_reason_of_a_refusal_is_one_line(shown, tmp_path):
    (tmp_path / "model.tflite").write_text("no model")
    reason = _LITERT.run(tmp_path / "model.tflite", shown)
    assert isinstance(reason, str)
    assert "\n" not in reason
    assert "model" in reason.lower()


def test_a_runtime_has_environment_variables_of_its_own(file, shown):
    """LiteRT is not found where the search path leads to a module that fails."""
    (shown.parent / "ai_edge_litert.py").write_text("raise ImportError('another one')")
    other = python_client("LiteRT", ("tflite",), "litert_interpreter", PYTHONPATH=str(shown.parent))
    assert "another one" in other.run(file, shown)
    assert not isinstance(_LITERT.run(file, shown), str)


def test_a_runtime_that_is_not_there_is_named(file, shown):
    reason = python_client("Nothing", ("tflite",), "no_such_runtime").run(file, shown)
    assert "no_such_runtime" in reason


def _make_onnxruntime(folder):
    (folder / "onnxruntime.wasm").write_bytes(b"")
    (folder / "onnxruntime.js").write_text(_ONNX_RUNTIME)
    (folder / "package.json").write_text('{"type": "module"}')


def _make_litert(folder):
    package = folder / "@litertjs" / "core"
    (package / "dist").mkdir(parents=True)
    (package / "dist" / "index.js").write_text(_LITERT_JS)
    (package / "package.json").write_text('{"type": "module"}')
    (package / "wasm").mkdir()
    (package / "wasm" / "litert.js").write_text("require('fs'); self.found = __dirname;")


@pytest.fixture(params=[("web.mjs", _make_onnxruntime), ("litert.mjs", _make_litert)])
def web(request, tmp_path):
    """A client under Node.js with a runtime that gives the first pixel."""
    node = shutil.which("node")
    if not node:
        pytest.skip("Node.js is not installed")
    script, make = request.param
    make(tmp_path)
    script = pathlib.Path(client.__file__).with_name(script)
    return client.Client("web", ("any",), (node, str(script), str(tmp_path)))


def test_web_clients_read_and_write_numpy_files(web, tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (3, 2, 5, 3), "uint8")
    np.save(tmp_path / "images.npy", images)
    (tmp_path / "model").write_bytes(b"a model")
    found = web.run(tmp_path / "model", tmp_path / "images.npy")
    np.testing.assert_array_equal(found, images[:, 0, 0].astype("float32"))


def test_web_clients_say_why_they_refuse_a_file(web, shown, tmp_path):
    (tmp_path / "model").write_text("no model")
    assert web.run(tmp_path / "model", shown) == "Error: not a model"


@pytest.mark.heavy
def test_the_table_of_a_model(run_main, model_directory, tmp_path):
    done = run_main(
        "benchmarks.runtimes",
        f"--model={model_directory}",
        "--images=8",
        "--older_onnxruntime=",
        "--noweb",
        f"--output={tmp_path / 'table.json'}",
        f"--refused_output={tmp_path / 'refused.json'}",
    )
    assert done.returncode == 0, done.stderr
    table, refused = (
        json.loads((tmp_path / f"{name}.json").read_text())["rows"] for name in ("table", "refused")
    )
    by_file = {row["file"]: row for row in table}
    assert by_file["tflite float32"]["LiteRT Interpreter"] == "equal"
    assert by_file["tflite float32"]["MediaPipe"] == "equal"
    assert by_file["tflite float32"]["ONNX Runtime"] == ""
    assert by_file["onnx float32"]["ONNX Runtime"] == "equal"
    told = {(row["file"], row["runtime"]) for row in refused}
    cells = {(row["file"], title) for row in table for title in row if row[title] == "refused"}
    assert cells <= told
