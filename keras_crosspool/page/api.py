"""Writes the page of a model: a folder for any static server."""

import dataclasses
import pathlib
import shutil

import numpy as np

from keras_crosspool.exporting.artefact import write_record
from keras_crosspool.exporting.onnx.exporter import export_onnx
from keras_crosspool.exporting.onnx.runner import OnnxRunner
from keras_crosspool.exporting.parity import ParityError
from keras_crosspool.owned_directory import OwnedDirectory
from keras_crosspool.page.explained import HEAT_MAP
from keras_crosspool.page.runtime import unpack_runtime

PAGE_FILE, MODEL_FILE, RUNTIME_FOLDER = "index.html", "model.onnx", "runtime"
# The largest difference of a heat map, as a part of the range of Keras' heat maps. The factor of a
# pooled sum near zero is large, so a heat map shows more of the rounding than a logit.
HEAT_MAP_TOLERANCES = {"float32": 0.01, "float16": 0.2}
STATIC = pathlib.Path(__file__).parent / "static"
_COMPARED = 8  # heat maps


def check_output(directory):
    """Refuses to write where something else than a page stands, or nothing can be written.

    Args:
        directory: path.

    Raises:
        ValueError: if it exists, is not empty and is no page's.
        OSError: if it cannot be written.
    """
    directory = pathlib.Path(directory)
    owned = OwnedDirectory(directory)
    free = not directory.exists() or (directory.is_dir() and owned.is_empty())
    ours = directory.is_dir() and {PAGE_FILE, MODEL_FILE} <= set(owned.files())
    if not (free or ours):
        raise ValueError(
            "The output exists and is no folder of a page, so it is not replaced: name another "
            f"one. Received: {directory}"
        )
    owned.check()


def write_page(directory, source, comparator, runtime, precision="float32"):
    """Writes a folder that runs a model in the browser, whole or not at all.

    The model is an ONNX file that computes in float32 and is proven like every other, with a
    second output: the heat map of the best class, which is compared with Keras' too.

    Args:
        directory: path of the folder; an older page in it is replaced.
        source: `Source`, from `explained_source`.
        comparator: `Comparator` of it, or `None` to write the page unproven.
        runtime: bytes of the runtime's package, from `find_runtime`.
        precision: `"float32"` (the default) or `"float16"`, of the weights.

    Returns:
        `Artefact`, the record of the model, which is written beside it.

    Raises:
        ValueError: if the folder is no page's.
        ParityError: if the file does not compute what the Keras model does.
        OSError: if the folder cannot be written.

    Example:

    >>> source = explained_source(load_source("quickstart/model"))  # doctest: +SKIP
    >>> write_page("page", source, comparator, find_runtime()).file  # doctest: +SKIP
    'model.onnx'
    """
    check_output(directory)
    with OwnedDirectory(directory).replaced() as folder:
        artefact = export_onnx(
            source, folder / MODEL_FILE, precision, comparator, weights_only=precision == "float16"
        )
        if comparator:
            tolerance = HEAT_MAP_TOLERANCES[precision]
            proof = _compare_heat_maps(
                source, folder / MODEL_FILE, comparator.images.pixels, tolerance
            )
            artefact = dataclasses.replace(artefact, parity=artefact.parity | {HEAT_MAP: proof})
            write_record(folder / MODEL_FILE, artefact)
        for file in STATIC.iterdir():
            shutil.copyfile(file, folder / file.name)
        (folder / RUNTIME_FOLDER).mkdir()
        unpack_runtime(runtime, folder / RUNTIME_FOLDER)
    return artefact


def _compare_heat_maps(source, path, pixels, tolerance):
    """The proof of a file's heat maps, plain data for its record."""
    chosen = pixels[np.linspace(0, len(pixels) - 1, min(_COMPARED, len(pixels))).astype(int)]
    expected = source.model.predict_on_batch(chosen.astype("float32"))[1]
    with OnnxRunner(path, output=1) as runner:
        found = runner.run(chosen)
    largest = float(np.abs(found - expected).max() / np.ptp(expected))
    if not largest <= tolerance:  # nor is NaN
        raise ParityError(
            "Parity failed, so nothing was written: the heat maps of the file are not those of "
            f"the Keras model. Expected a largest difference of {tolerance:.0%} of their "
            f"range, on {len(chosen)} images. Received: {largest:.2%}"
        )
    return {"images": len(chosen), "max_abs_of_range": largest}
