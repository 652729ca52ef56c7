"""One runner for each runtime, all with the same small contract."""

import pathlib

from keras_crosspool.exporting import formats
from keras_crosspool.exporting.keras_runner import KerasRunner
from keras_crosspool.exporting.onnx.runner import OnnxRunner
from keras_crosspool.exporting.openvino.runner import OpenVINORunner
from keras_crosspool.exporting.runner import Runner
from keras_crosspool.exporting.savedmodel.runner import SavedModelRunner
from keras_crosspool.exporting.tensorrt.runner import TensorRTRunner
from keras_crosspool.exporting.tflite.runner import LiteRTRunner

__all__ = [
    "KerasRunner",
    "LiteRTRunner",
    "OnnxRunner",
    "OpenVINORunner",
    "Runner",
    "SavedModelRunner",
    "TensorRTRunner",
    "open_runner",
]


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
    if path.is_dir() and not formats.is_artefact_folder(path):
        return KerasRunner(path, **options)
    if not path.exists():
        raise ValueError(f"Expected an artefact or a model directory. Received: no file {path}")
    return formats.resolve(formats.format_of(path).runner)(path, **options)
