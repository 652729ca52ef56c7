"""The Python block of the README runs as it stands, in an empty folder."""

import pathlib
import re

import keras
import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

import keras_crosspool

README = pathlib.Path(__file__).parents[2] / "README.md"

LOAD = """
import sys

import keras
import numpy as np

import keras_crosspool

import pytest

model = keras.saving.load_model("model.keras")
np.save("again.npy", model.predict(np.load("images.npy"), verbose=0))
"""


@pytest.mark.heavy
def test_the_python_block_runs_and_another_process_reads_what_it_wrote(tmp_path, run_main):
    (block,) = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    (tmp_path / "block.py").write_text(
        f"{block}\nimport numpy as np\n"
        "np.save('images.npy', images)\n"
        "np.save('logits.npy', model.predict(images, verbose=0))\n"
    )
    (tmp_path / "load.py").write_text(LOAD)
    for module in ("block", "load"):
        done = run_main(module, cwd=tmp_path, PYTHONPATH=f"{README.parent}:{tmp_path}")
        assert done.returncode == 0, done.stderr
    logits, images = np.load(tmp_path / "logits.npy"), np.load(tmp_path / "images.npy")
    np.testing.assert_array_equal(np.load(tmp_path / "again.npy"), logits)
    interpreter = Interpreter(model_path=str(tmp_path / "model.tflite"))
    interpreter.allocate_tensors()
    found = []
    for image in images:
        source = interpreter.get_input_details()[0]["index"]
        interpreter.set_tensor(source, image[None].astype("float32"))
        interpreter.invoke()
        output = interpreter.get_output_details()[0]["index"]
        found.append(interpreter.get_tensor(output)[0].argmax())
    assert np.mean(np.array(found) == logits.argmax(axis=1)) > 0.95
    model = keras_crosspool.CrossPoolClassifier  # it registers itself for the loader
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert isinstance(loaded, model)
    assert loaded.class_names == tuple("0123456789")
