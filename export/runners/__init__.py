"""One runner for each runtime, all with the same small contract."""

import pathlib

from export import formats
from export.runners.base import Runner
from export.runners.keras_runner import KerasRunner
from export.runners.litert_runner import LiteRTRunner
from export.runners.onnx_runner import OnnxRunner
from export.runners.tensorrt_runner import TensorRTRunner

__all__ = ["KerasRunner", "LiteRTRunner", "OnnxRunner", "Runner", "TensorRTRunner", "open_runner"]


def open_runner(path, **options):
    """Makes the runner that fits a path, to be opened by `with`.

    Args:
        path: path of an artefact or of a model directory.
        **options: arguments of the runner, such as `num_threads`.

    Returns:
        A `Runner`.

    Raises:
        ValueError: if the path is neither.
    """
    path = pathlib.Path(path)
    if path.is_dir():
        return KerasRunner(path, **options)
    if not path.is_file():
        raise ValueError(f"Expected an artefact or a model directory. Received: no file {path}")
    return formats.resolve(formats.format_of(path).runner)(path, **options)
