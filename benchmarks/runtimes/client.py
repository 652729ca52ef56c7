"""A runtime that is not ours: how it is run on a file, and what came of it."""

import dataclasses
import os
import pathlib
import subprocess
import sys

import numpy as np

_FOLDER = pathlib.Path(__file__).parent
_SECONDS = 600
_LITERT_JS = "2.5.3"


@dataclasses.dataclass(frozen=True)
class Client:
    """One column of the table.

    Args:
        title: str, how the table calls it.
        formats: tuple of str, the formats whose files it is shown.
        command: tuple of str; the file, an `.npy` file of images and one for the scores follow.
        variables: dict, environment variables of the process. Defaults to none.
    """

    title: str
    formats: tuple[str, ...]
    command: tuple[str, ...]
    variables: dict = dataclasses.field(default_factory=dict)

    def run(self, path, images):
        """Runs a file in a process of its own, since a runtime may end the process.

        Args:
            path: `pathlib.Path` of the file.
            images: `pathlib.Path` of an `.npy` file, uint8 `(n, height, width, 3)`.

        Returns:
            float32 `(n, classes)`, or a str: why it does not run the file, in one line.
        """
        output = images.with_name("scores.npy")
        done = subprocess.run(
            [*self.command, str(path), str(images), str(output)],
            capture_output=True,
            text=True,
            check=False,
            timeout=_SECONDS,
            env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"} | self.variables,
        )
        if done.returncode:
            text = done.stderr.replace(f"{path.parent}/", "")
            lines = [line.strip() for line in text.splitlines() if line.strip()]
            return lines[-1] if done.returncode > 0 and lines else f"ended with {done.returncode}"
        return np.load(output)


def python_client(title, formats, function, python=sys.executable, **variables):
    """A runtime with a Python package.

    Args:
        title: str.
        formats: tuple of str.
        function: str, the one of `clients.py` that runs it.
        python: str, the interpreter of its environment. Defaults to this one.
        **variables: str, environment variables of the process.
    """
    return Client(title, formats, (python, str(_FOLDER / "clients.py"), function), variables)


def older_client(title, formats, function, requirement, environments):
    """A Python package of another version, in an environment of its own; one there is taken.

    Args:
        title: str.
        formats: tuple of str.
        function: str, likewise.
        requirement: str, such as `"onnxruntime==1.20.1"`.
        environments: `pathlib.Path`, the folder of such environments.
    """
    environment = environments / requirement.replace("==", "-")
    python = environment / "bin" / "python"
    if not (environment / "complete").is_file():
        subprocess.run([sys.executable, "-m", "venv", "--clear", environment], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", requirement], check=True)
        (environment / "complete").touch()
    return python_client(title, formats, function, str(python))


def web_client(title, formats, folder):
    """ONNX Runtime Web under Node.js, of the version that the page in the browser takes.

    Args:
        title: str.
        formats: tuple of str.
        folder: `pathlib.Path` of a folder for the runtime.
    """
    from keras_crosspool.page.runtime import find_runtime, unpack_runtime

    folder.mkdir(parents=True, exist_ok=True)
    unpack_runtime(find_runtime(), folder)
    return Client(title, formats, ("node", str(_FOLDER / "web.mjs"), str(folder)))


def litert_js_client(title, formats, environments):
    """LiteRT.js under Node.js, in an environment of its own; one there is taken.

    Args:
        title: str.
        formats: tuple of str.
        environments: `pathlib.Path`, the folder of such environments.
    """
    environment = environments / f"litertjs-{_LITERT_JS}"
    if not (environment / "complete").is_file():
        package = f"@litertjs/core@{_LITERT_JS}"
        subprocess.run(["npm", "install", "--silent", "--prefix", environment, package], check=True)
        (environment / "complete").touch()
    modules = environment / "node_modules"
    return Client(title, formats, ("node", str(_FOLDER / "litert.mjs"), str(modules)))
