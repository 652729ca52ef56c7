"""The table of export formats: argument checks, `--help`, documentation and benchmarks read it."""

import importlib
import pathlib

from keras_crosspool.config.parity_config import CALIBRATION_IMAGES
from keras_crosspool.exporting.format import Format, Option

_INT8 = ("int8",)
_ONNX_PACKAGES = ("tensorflow", "onnx", "tf2onnx", "onnxruntime", "onnxslim")


_CALIBRATION = (
    Option(
        "calibration_data",
        "",
        "int8: folder of images (split/class/*.jpg) or tfds:NAME whose images set the ranges; "
        "by default the data that the model was trained on.",
        _INT8,
    ),
    Option(
        "calibration_split",
        "",
        "int8: split that the calibration images come from; by default the one that the model "
        "was trained on, with its slice.",
        _INT8,
    ),
    Option(
        "calibration_images",
        CALIBRATION_IMAGES,
        "int8: number of calibration images, drawn evenly over the classes.",
        _INT8,
    ),
    Option(
        "calibration_cache",
        "",
        "int8: file in which the ranges are kept; read again when model, images and method are "
        "the same, refused when they are not.",
        _INT8,
    ),
)
_ALLOW_SLOWER = Option(
    "allow_slower",
    False,
    "int8: write the file even if it is slower than float32 on this machine's CPU, since it is for "
    "another machine.",
    _INT8,
)
_BATCH_SIZE = Option(
    "batch_size",
    1,
    "Number of images the artefact takes at once; 0 leaves it open (dynamic).",
    least=0,
)
_SCORES = Option(
    "scores",
    "probabilities",
    "probabilities (the artefact holds the softmax or sigmoid) or logits.",
    choices=("probabilities", "logits"),
)
_OPSET = Option(
    "opset",
    18,
    "ONNX operator set version of the file, from 9 on; int8 from 13 on.",
    least=9,
    most=18,
)
_WEIGHTS_ONLY = Option(
    "weights_only",
    False,
    "float16: only the weights are float16, and all of it computes in float32. A CPU runs that as "
    "fast as float32.",
    ("float16",),
)
_TRITON = Option(
    "triton", False, "Also write a model repository for Triton beside the file, NAME-triton."
)

FORMATS = (
    Format(
        name="tflite",
        suffix=".tflite",
        artefact="a TFLite file",
        precisions=("float32", "float16", "dynamic", "int8"),
        runtime="LiteRT (CPU, phones, edge accelerators)",
        needs_gpu=False,
        packages=("tensorflow", "ai_edge_litert", ("litert_quantizer", "ai_edge_quantizer")),
        extra="tflite",
        exporter="keras_crosspool.exporting.tflite.exporter:export_tflite",
        runner="keras_crosspool.exporting.tflite.runner:LiteRTRunner",
        float16_runner="keras_crosspool.exporting.tflite.float16_runner:TFLiteFloat16Runner",
        options=(
            _BATCH_SIZE,
            _SCORES,
            Option(
                "input",
                "float32",
                "Type of the images that go in, 0-255: float32, or uint8 for a camera's bytes.",
                choices=("float32", "uint8"),
            ),
            Option(
                "int8_io",
                False,
                "int8: images come in and scores go out as int8, for accelerators that have no "
                "float unit at their border.",
                _INT8,
            ),
            _ALLOW_SLOWER,
            *_CALIBRATION,
        ),
    ),
    Format(
        name="onnx",
        suffix=".onnx",
        artefact="an ONNX file",
        precisions=("float32", "float16", "int8"),
        runtime="ONNX Runtime (CPU)",
        needs_gpu=False,
        packages=_ONNX_PACKAGES,
        extra="onnx",
        exporter="keras_crosspool.exporting.onnx.exporter:export_onnx",
        runner="keras_crosspool.exporting.onnx.runner:OnnxRunner",
        float16_runner="keras_crosspool.exporting.onnx.float16_runner:OnnxFloat16Runner",
        options=(_BATCH_SIZE, _OPSET, _TRITON, _WEIGHTS_ONLY, _ALLOW_SLOWER, *_CALIBRATION),
    ),
    Format(
        name="tensorrt",
        suffix=".engine",
        artefact="a TensorRT engine",
        precisions=("float32", "float16", "int8"),
        runtime="TensorRT or TensorRT-RTX (NVIDIA GPUs)",
        needs_gpu=True,
        packages=(*_ONNX_PACKAGES, ("tensorrt", "tensorrt_rtx")),
        extra="tensorrt-rtx",
        exporter="keras_crosspool.exporting.tensorrt.exporter:export_tensorrt",
        runner="keras_crosspool.exporting.tensorrt.runner:TensorRTRunner",
        float16_runner="keras_crosspool.exporting.onnx.float16_runner:OnnxFloat16Runner",
        options=(
            Option(
                "product", "auto", "auto, tensorrt or tensorrt_rtx; auto takes what is installed."
            ),
            Option(
                "profile",
                "1/8/32",
                "Least, best and largest batch of the engine; three equal numbers fix the batch. "
                "The image's size is the model's.",
            ),
            Option(
                "compute_capabilities",
                (),
                "tensorrt_rtx: GPUs the engine is built for, such as SM86,SM89,SM120 (the "
                "default). tensorrt builds for the GPU of this machine.",
            ),
            Option(
                "workspace_mb",
                0,
                "The most scratch memory of a layer in MB; 0 is TensorRT's own choice.",
                least=0,
            ),
            Option(
                "timing_cache",
                "",
                "tensorrt: file in which kernel timings are kept, which makes the next build fast.",
            ),
            Option(
                "verify",
                "auto",
                "What is compared with Keras: engine (takes a GPU), onnx (the graph it was built "
                "from, on ONNX Runtime) or auto (engine where there is a GPU).",
            ),
            _OPSET,
            _TRITON,
            *_CALIBRATION,
        ),
    ),
    Format(
        name="savedmodel",
        suffix=".savedmodel",
        artefact="a SavedModel folder",
        precisions=("float32",),
        runtime="TensorFlow (TensorFlow Serving)",
        needs_gpu=False,
        packages=("tensorflow", "PIL"),
        extra="cpu,train",
        exporter="keras_crosspool.exporting.savedmodel.exporter:export_savedmodel",
        runner="keras_crosspool.exporting.savedmodel.runner:SavedModelRunner",
        float16_runner=None,
        options=(_SCORES,),
        is_folder=True,
    ),
    Format(
        name="openvino",
        suffix=".openvino",
        artefact="an OpenVINO folder",
        precisions=("float32", "float16"),
        runtime="OpenVINO (Intel CPUs, GPUs and NPUs)",
        needs_gpu=False,
        packages=(*_ONNX_PACKAGES, "openvino"),
        extra="openvino",
        exporter="keras_crosspool.exporting.openvino.exporter:export_openvino",
        runner="keras_crosspool.exporting.openvino.runner:OpenVINORunner",
        float16_runner="keras_crosspool.exporting.onnx.float16_runner:OnnxFloat16Runner",
        options=(_BATCH_SIZE, _OPSET),
        is_folder=True,
    ),
)


def get_format(name):
    """Looks a format up by its name.

    Raises:
        ValueError: if there is no such format.
    """
    for row in FORMATS:
        if row.name == name:
            return row
    raise ValueError(f"Formats are {', '.join(row.name for row in FORMATS)}. Received: {name!r}")


def format_of(path):
    """Looks a format up by the suffix of a file or folder.

    Args:
        path: `pathlib.Path`.

    Raises:
        ValueError: if no format has that suffix.
    """
    for row in FORMATS:
        if row.suffix == path.suffix:
            return row
    suffixes = ", ".join(row.suffix for row in FORMATS)
    raise ValueError(f"Expected a name ending in {suffixes}. Received: {path}")


def is_artefact_folder(path):
    """Whether a path is a folder that is an artefact by its suffix, and no model directory."""
    path = pathlib.Path(path)
    return path.is_dir() and path.suffix in {row.suffix for row in FORMATS if row.is_folder}


def parse_list(names):
    """Reads a list of formats, each `NAME` (all its precisions) or `NAME:PRECISION`.

    Args:
        names: list of str; `["all"]` means every format.

    Returns:
        list of pairs of `Format` and precision.

    Raises:
        ValueError: if a name or a precision is unknown, or the list is empty.
    """
    if not names:
        raise ValueError("`formats` is all or a list such as tflite:int8,onnx. Received: nothing")
    chosen = []
    for name in [row.name for row in FORMATS] if names == ["all"] else names:
        name, _, precision = name.partition(":")
        row = get_format(name)
        for each in (precision,) if precision else row.precisions:
            row.check(each)
            chosen.append((row, each))
    return chosen


def resolve(reference):
    """Imports what a row names as `"module:attribute"`, only when it is used."""
    module, attribute = reference.split(":")
    return getattr(importlib.import_module(module), attribute)


def markdown_table():
    """The table as Markdown, for the documentation."""
    lines = [
        "| format | suffix | precisions | runs on | making it takes |",
        "|---|---|---|---|---|",
    ]
    for row in FORMATS:
        lines.append(
            f"| {row.name} | `{row.suffix}` | {', '.join(row.precisions)} | {row.runtime} | "
            f"`keras_crosspool[{row.extra}]` |"
        )
    return "\n".join(lines)
