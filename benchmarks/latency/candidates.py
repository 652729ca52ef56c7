"""From artefacts and a model directory to the lines of the latency table."""

import inspect
import pathlib

from benchmarks.latency.candidate import KERAS_CALLS, Candidate
from keras_crosspool.exporting import formats
from keras_crosspool.exporting.artefact import read_artefact

_MODULES = {
    "tflite": "ai_edge_litert.interpreter",
    "onnx": "onnxruntime",
    "savedmodel": "tensorflow",
    "openvino": "openvino",
    "keras": "keras",
}


def artefact_candidates(path, threads):
    """Candidates of one artefact, one for each number of threads where its runner takes one.

    Args:
        path: path of an artefact with its record beside it.
        threads: sequence of int.

    Returns:
        List of `Candidate`, and the `Artefact`.

    Raises:
        ValueError: if the artefact or its record is missing, damaged or of no known format, or it
            takes images only in batches of several.
    """
    path = pathlib.Path(path)
    if path.is_dir() and not formats.is_artefact_folder(path):
        raise ValueError(f"Pass the Keras model as --model=DIR. Received: directory {path}")
    row = formats.format_of(path)
    artefact = read_artefact(path)
    batch = artefact.inputs[0]["shape"][0]
    if batch not in (None, 1):
        raise ValueError(
            "Latency is measured one image at a time; export with a batch of 1 or an open one. "
            f"Received: {path} for batches of {batch}"
        )
    takes_threads = "num_threads" in inspect.signature(formats.resolve(row.runner)).parameters
    candidates = [
        Candidate(
            name=path.name if count is None else f"{path.name}, {_count(count)}",
            runtime=row.runtime.partition(" (")[0],
            path=str(path),
            precision=artefact.precision,
            bytes=artefact.bytes,
            module=_MODULES.get(row.name),
            threads=count,
            needs_gpu=row.needs_gpu,
        )
        for count in (threads if takes_threads else [None])
    ]
    return candidates, artefact


def keras_candidates(directory, model, calls):
    """Candidates of a Keras model, one for each way to call it.

    Args:
        directory: path of the model directory.
        model: the `keras.Model` in it.
        calls: keys of `KERAS_CALLS`.

    Returns:
        List of `Candidate`.
    """
    from keras_crosspool.models.directory import MODEL_FILE

    precision = "/".join(sorted({layer.compute_dtype for layer in model.layers}))
    size = (pathlib.Path(directory) / MODEL_FILE).stat().st_size
    return [
        Candidate(
            name=KERAS_CALLS[call],
            runtime=KERAS_CALLS[call],
            path=str(directory),
            precision=precision,
            bytes=size,
            module=_MODULES["keras"],
            keras_call=call,
        )
        for call in calls
    ]


def _count(threads):
    return "1 thread" if threads == 1 else f"{threads} threads"
