"""The layers under the other Keras backends that are installed: the tests beside, run again."""

import importlib.util
import os
import pathlib
import re
import subprocess
import sys

import pytest

# Keras' NumPy backend computes its convolutions and resizes by JAX.
NEEDED = {"jax": "jax", "numpy": "jax", "torch": "torch"}


@pytest.mark.parametrize("backend", NEEDED)
def test_layers_under_another_backend(backend):
    if not importlib.util.find_spec(NEEDED[backend]):
        pytest.skip(f"{NEEDED[backend]} is not installed")
    folder = pathlib.Path(__file__).parent
    tests = [path for path in folder.glob("test_*.py") if path.name != pathlib.Path(__file__).name]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *map(str, tests)],
        env=os.environ | {"KERAS_BACKEND": backend},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    # Nearly all of them: only the gradients and the traced graph are looked at by TensorFlow.
    assert int(re.search(r"(\d+) passed", done.stdout).group(1)) > 100
