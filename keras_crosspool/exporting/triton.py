"""A model repository for the Triton Inference Server, written beside an artefact."""

import dataclasses
import json
import shutil

from keras_crosspool.exporting.labels import LABELS_FILE, labels_text
from keras_crosspool.exporting.output_names import DESCRIPTOR
from keras_crosspool.owned_directory import OwnedDirectory

_LARGEST_BATCH = 32  # of a model that takes any
_TYPES = {"float32": "TYPE_FP32"}


@dataclasses.dataclass(frozen=True)
class _Backend:
    """What of Triton runs a format, and how it wants the file to be called."""

    name: str
    platform: str
    file: str


_BACKENDS = {
    "onnx": _Backend("onnxruntime", "onnxruntime_onnx", "model.onnx"),
    "tensorrt": _Backend("tensorrt", "tensorrt_plan", "model.plan"),
}


def repository_path(output):
    """The path of the repository of an artefact: `model-triton` beside `model.onnx`.

    Args:
        output: `pathlib.Path` of the artefact.
    """
    return output.with_name(f"{output.stem}-triton")


def check_repository(output):
    """Finds out, before any work, whether the repository can be written.

    Args:
        output: `pathlib.Path` of the artefact.

    Raises:
        OSError: if it cannot.
        ValueError: if a file stands in its place, or the list of our files in it is damaged.
    """
    path = repository_path(output)
    if path.exists() and not path.is_dir():
        raise ValueError(
            "The repository for Triton is a folder, and a file has its name: move that, or name "
            f"another output. Received: {path}"
        )
    OwnedDirectory(path).check()


def write_repository(output, artefact):
    """Writes the repository of an artefact; other models in it stay.

    It holds `STEM_FORMAT/config.pbtxt`, `STEM_FORMAT/1/` with the model, and the class names of a
    classifier. `tritonserver --model-repository=STEM-triton` serves it.

    Args:
        output: `pathlib.Path` of the finished artefact.
        artefact: `Artefact`, its record.
    """
    name, backend = f"{output.stem}_{artefact.format}", _BACKENDS[artefact.format]
    with OwnedDirectory(repository_path(output)).added() as folder:
        version = folder / name / "1"
        version.mkdir(parents=True)
        shutil.copyfile(output, version / backend.file)
        (folder / name / "config.pbtxt").write_text(model_config(name, artefact))
        if _is_classifier(artefact):
            labels = labels_text(artefact.model["class_names"])
            (folder / name / LABELS_FILE).write_text(labels)


def model_config(name, artefact):
    """The configuration of a model as Triton reads it.

    Triton adds a batch dimension of its own to all tensors, unless `max_batch_size` is zero. It
    accepts that only of models whose batch is open, so a fixed batch stands among the dimensions.

    Args:
        name: str, how clients call the model.
        artefact: `Artefact` of format `"onnx"` or `"tensorrt"`.

    Returns:
        str, protobuf text of an `inference.ModelConfig`.
    """
    backend = _BACKENDS[artefact.format]
    is_open = artefact.inputs[0]["shape"][0] is None
    profile = artefact.details["engine"]["profile"] if artefact.format == "tensorrt" else {}
    largest = profile.get("max", _LARGEST_BATCH) if is_open else 0
    label_file = f"label_filename: {_quoted(LABELS_FILE)}" if _is_classifier(artefact) else ""
    lines = [
        f"name: {_quoted(name)}",
        f"backend: {_quoted(backend.name)}",
        f"platform: {_quoted(backend.platform)}",
        f"max_batch_size: {largest}",
        *(_tensor("input", each, is_open) for each in artefact.inputs),
        *(_tensor("output", each, is_open, label_file) for each in artefact.outputs),
    ]
    if is_open:
        preferred = f"preferred_batch_size: [ {profile['opt']} ]" if profile else ""
        lines.append(f"dynamic_batching {{ {preferred} }}")
    return "\n".join(lines) + "\n"


def _is_classifier(artefact):
    return artefact.outputs[0]["name"] != DESCRIPTOR


def _tensor(kind, tensor, is_open, more=""):
    shape = tensor["shape"][1:] if is_open else tensor["shape"]
    fields = (
        f"name: {_quoted(tensor['name'])}",
        f"data_type: {_TYPES[tensor['dtype']]}",
        f"dims: {list(shape)}",
        more,
    )
    return "\n".join([f"{kind} {{", *(f"  {field}" for field in fields if field), "}"])


def _quoted(text):
    return json.dumps(text, ensure_ascii=False)
