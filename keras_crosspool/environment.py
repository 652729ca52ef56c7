"""What is installed and how Keras is set, checked before anything depends on it.

Keras reads `keras.json` and KERAS_BACKEND once, when it is imported. The commands compute in
float32 with channels last whatever stands there; the layers work under any setting.
"""

import importlib.util
import json
import os
import pathlib

_FLOATX, _DATA_FORMAT = "float32", "channels_last"
_ALLOWED = {
    "floatx": ("float16", "float32", "float64"),
    "image_data_format": ("channels_last", "channels_first"),
}
_INSTALL_TENSORFLOW = "run `pip install keras_crosspool[cpu]`, or [gpu] for NVIDIA GPUs"
# Keras' NumPy backend computes convolutions by JAX.
_PACKAGES = {
    "tensorflow": "tensorflow",
    "jax": "jax",
    "torch": "torch",
    "numpy": "jax",
    "openvino": "openvino",
}


def keras_problem():
    """What keeps Keras from being imported here; str, or `None` if nothing does."""
    if not _installed("keras"):
        return "Keras is not installed: run `pip install keras`. Received: no package keras"
    path = _settings_path()
    try:
        settings = json.loads(path.read_text()) if path.exists() else {}
    except OSError as error:
        return f"Keras cannot read its settings file: allow it. Received: {path}, {error.strerror}"
    except ValueError:  # Keras passes over it
        settings = {}
    return _settings_problem(settings, path) or _backend_problem(settings, path)


def check_installed(needs):
    """Says what is missing, without importing Keras.

    Args:
        needs: str, one of

            - `"keras"`: Keras, on any backend;
            - `"tensorflow"`: TensorFlow as well, which reads the images of a split;
            - `"backend"`: TensorFlow as the backend of Keras.

    Raises:
        ImportError: if a package is missing, or Keras' settings keep it from being imported.
    """
    problem = keras_problem()
    if problem:
        raise ImportError(problem)
    if needs != "keras" and not _installed("tensorflow"):
        raise ImportError(
            f"TensorFlow, which reads the images, is not installed: {_INSTALL_TENSORFLOW}. "
            "Received: no package tensorflow"
        )


def prepare_keras(needs="keras"):
    """Sets Keras to what the commands need, and logs a warning where it is set otherwise.

    Args:
        needs: str, as `check_installed` takes it. Defaults to `"keras"`.

    Raises:
        ImportError: as `check_installed` does.
        ValueError: if Keras has another backend than TensorFlow, which is needed.
    """
    check_installed(needs)
    if needs == "backend":
        check_tensorflow_backend("This command")
    import keras
    from absl import logging

    for name, value in (("floatx", _FLOATX), ("image_data_format", _DATA_FORMAT)):
        found = getattr(keras.config, name)()
        if found != value:
            logging.warning("Keras is set to %s %s: %s is used here", name, found, value)
            getattr(keras.config, f"set_{name}")(value)


def check_tensorflow_backend(what):
    """Refuses other backends of Keras.

    Args:
        what: str, the beginning of the message: what runs under TensorFlow alone.

    Raises:
        ValueError: if Keras runs on another one.
    """
    import keras

    backend = keras.config.backend()
    if backend != "tensorflow":
        raise ValueError(
            f"{what} runs under Keras' backend TensorFlow alone: set KERAS_BACKEND=tensorflow, or "
            f"unset it. Received: the backend {backend}"
        )


def check_keras_settings():
    """Refuses settings of Keras under which models come out otherwise than described.

    Raises:
        ValueError: if the default dtype is not float32 or images are not channels last.
    """
    import keras

    found = (keras.config.floatx(), keras.config.image_data_format())
    if found != (_FLOATX, _DATA_FORMAT):
        raise ValueError(
            f"Models are built for {_FLOATX} and {_DATA_FORMAT}: change {_settings_path()}, or call"
            f" keras.config.set_floatx({_FLOATX!r}) and keras.config.set_image_data_format("
            f"{_DATA_FORMAT!r}) first. Received: {' and '.join(found)}"
        )


def _backend_problem(settings, path):
    by = "KERAS_BACKEND" if os.environ.get("KERAS_BACKEND") else f"backend in {path}"
    backend = os.environ.get("KERAS_BACKEND") or settings.get("backend", "tensorflow")
    if backend not in tuple(_PACKAGES):  # it may be a list
        return (
            f"Keras has no backend of that name: take one of {', '.join(_PACKAGES)}. "
            f"Received: {backend!r} as {by}"
        )
    package = _PACKAGES[backend]
    if _installed(package):
        return None
    if package == "tensorflow":
        return f"TensorFlow is not installed: {_INSTALL_TENSORFLOW}. Received: no package {package}"
    return (
        f"Keras is set to the backend {backend} and cannot find what that needs: run `pip install "
        f"{package}`, or set KERAS_BACKEND=tensorflow. Received: no package {package}, {backend!r} "
        f"as {by}"
    )


def _settings_problem(settings, path):
    if not isinstance(settings, dict):
        return f"Keras' settings file must hold a JSON object: correct it. Received: {path}"
    for name, allowed in _ALLOWED.items():
        value = settings.get(name, allowed[0])
        if value not in allowed:
            return (
                f"Keras takes as {name} one of {', '.join(allowed)}: correct its settings file. "
                f"Received: {value!r} in {path}"
            )
    if not isinstance(settings.get("epsilon", 1e-7), float):
        return (
            "Keras takes as epsilon a number such as 1e-07: correct its settings file. "
            f"Received: {settings['epsilon']!r} in {path}"
        )
    return None


def _settings_path():
    if "KERAS_HOME" in os.environ:
        folder = os.environ["KERAS_HOME"]
    else:
        home = os.path.expanduser("~")
        folder = os.path.join(home if os.access(home, os.W_OK) else "/tmp", ".keras")
    return pathlib.Path(os.path.expanduser(os.path.join(folder, "keras.json")))


def _installed(package):
    return importlib.util.find_spec(package) is not None
