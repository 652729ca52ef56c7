"""A runtime that is not ours: how it is run on a file, and what came of it."""

import dataclasses
import os
import pathlib
import subprocess
import sys

import numpy as np

_SCRIPT = pathlib.Path(__file__).with_name("clients.py")
_SECONDS = 600


@dataclasses.dataclass(frozen=True)
class Client:
    """One column of the table.

    Args:
        title: str, how the table calls it.
        function: str, the one of `clients.py` that runs it.
        formats: tuple of str, the formats whose files it is shown.
        requirement: str, what is installed in an environment of its own to run it. Defaults to
            none: the packages of this process are taken.
    """

    title: str
    function: str
    formats: tuple[str, ...]
    requirement: str | None = None

    def run(self, path, images, python=sys.executable):
        """Runs a file in a process of its own, since a runtime may end the process.

        Args:
            path: `pathlib.Path` of the file.
            images: `pathlib.Path` of an `.npy` file, uint8 `(n, height, width, 3)`.
            python: str, the interpreter of its environment. Defaults to this one.

        Returns:
            float32 `(n, classes)`, or a str: why it does not run the file, in one line.
        """
        output = images.with_name("scores.npy")
        command = [python, str(_SCRIPT), self.function, str(path), str(images), str(output)]
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            timeout=_SECONDS,
            env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"},
        )
        if done.returncode:
            text = done.stderr.replace(f"{path.parent}/", "")
            lines = [line.strip() for line in text.splitlines() if line.strip()]
            return lines[-1] if done.returncode > 0 and lines else f"ended with {done.returncode}"
        return np.load(output)


def make_environment(directory, requirement):
    """Makes a Python environment with one package and what it needs; one that is there is taken.

    Args:
        directory: `pathlib.Path` of the environments.
        requirement: str, such as `"onnxruntime==1.20.1"`.

    Returns:
        str, its interpreter.
    """
    environment = directory / requirement.replace("==", "-")
    python = environment / "bin" / "python"
    if not (environment / "complete").is_file():
        subprocess.run([sys.executable, "-m", "venv", "--clear", environment], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", requirement], check=True)
        (environment / "complete").touch()
    return str(python)
