"""Keras to a TensorRT engine, by way of ONNX, whose types are the engine's precision."""

import hashlib
import pathlib

from keras_crosspool.exporting import formats
from keras_crosspool.exporting.onnx import exporter as onnx_exporter
from keras_crosspool.exporting.onnx import graph as onnx_graph
from keras_crosspool.exporting.onnx.recipe import TENSORRT
from keras_crosspool.exporting.onnx.runner import OnnxRunner
from keras_crosspool.exporting.publish import Draft, publish
from keras_crosspool.exporting.tensorrt.cuda import find_cuda
from keras_crosspool.exporting.tensorrt.engine_builder import (
    EngineOptions,
    build_engine,
    find_product,
    parse_profile,
)
from keras_crosspool.exporting.tensorrt.runner import TensorRTRunner
from keras_crosspool.exporting.triton import check_repository, write_repository

_PACKAGES = ("tensorrt", "tensorrt_rtx", *onnx_exporter.PACKAGES)
_VERIFY = ("auto", "engine", "onnx")


def export_tensorrt(
    source,
    output,
    precision="float32",
    comparator=None,
    *,
    product="auto",
    profile="1/8/32",
    compute_capabilities=(),
    workspace_mb=0,
    timing_cache="",
    verify="auto",
    opset=18,
    triton=False,
    **calibration,
):
    """Writes a model as a TensorRT engine.

    Without a GPU the engine can be built and not run: then the ONNX graph that it was built from
    is what is compared with Keras, and the record says so. Its int8 sums are computed exactly
    then, as TensorRT does, whatever the processor.

    Args:
        source: `Source`.
        output: path of the `.engine` file.
        precision: `"float32"` (the default), `"float16"` or `"int8"`.
        comparator: `Comparator`, or `None` (the default) to write it unproven.
        product: `"auto"` (the default), `"tensorrt"` or `"tensorrt_rtx"`.
        profile: str, least, best and largest batch. Defaults to `"1/8/32"`; three equal numbers
            fix the batch.
        compute_capabilities: targets of tensorrt_rtx. Defaults to SM86, SM89 and SM120.
        workspace_mb: int, the most scratch memory of a layer. Defaults to TensorRT's choice.
        timing_cache: str, path of the timings that tensorrt keeps. Defaults to none.
        verify: `"engine"` runs the engine, `"onnx"` its graph on ONNX Runtime, `"auto"` (the
            default) the engine where there is a GPU.
        opset: int, of the graph. Defaults to `18`.
        triton: bool, whether a model repository for Triton is written beside it. Defaults to
            `False`.
        **calibration: for `"int8"`, see `keras_crosspool.exporting.calibration.calibrate`.

    Returns:
        `Artefact`.

    Raises:
        ValueError: if an option is not as expected, or the graph does not parse or build.
        ParityError: if the result is not the Keras model any more.
    """
    formats.get_format("tensorrt").check_arguments(
        precision, opset=opset, workspace_mb=workspace_mb, **calibration
    )
    if verify not in _VERIFY:
        raise ValueError(f"`verify` is {', '.join(_VERIFY)}. Received: {verify!r}")
    batches = parse_profile(profile)
    name, _ = find_product(product)
    output = pathlib.Path(output)
    if triton:
        _check_triton(output, name, batches)
    options = EngineOptions(name, batches, tuple(compute_capabilities), workspace_mb, timing_cache)
    batch_size = batches[0] if len(set(batches)) == 1 else 0
    proto, details = onnx_exporter.make_graph(
        source, precision, comparator, batch_size, opset, TENSORRT, calibration
    )
    engine = build_engine(proto, options)
    run_engine = verify == "engine" or (verify == "auto" and find_cuda() is not None)
    graph = proto.SerializeToString()
    draft = Draft(
        "tensorrt",
        precision,
        engine.content,
        engine.operators,
        engine.inputs,
        engine.outputs,
        _PACKAGES,
        {
            **details,
            "engine": engine.details,
            "onnx": {
                "sha256": hashlib.sha256(graph).hexdigest(),
                "operators": onnx_graph.list_operators(proto),
            },
            "engine_state": "built and run" if run_engine and comparator else "built, not run",
        },
        make_runner=TensorRTRunner if run_engine else lambda *_: OnnxRunner(graph, exact_sums=True),
        graph=graph,
    )
    artefact = publish(draft, source, output, comparator)
    if triton:
        write_repository(output, artefact)
    return artefact


def _check_triton(output, product, batches):
    """Refuses an engine that Triton would not load, or would call with too small a batch."""
    if product != "tensorrt":
        raise ValueError(
            "Triton loads engines of tensorrt: install that, or export ONNX with `triton`. "
            f"Received: `product={product}`"
        )
    if len(set(batches)) > 1 and batches[0] > 1:
        raise ValueError(
            "Triton sends single images too: begin `profile` with 1, or fix the batch by three "
            f"equal numbers. Received: `profile={'/'.join(map(str, batches))}`"
        )
    check_repository(output)
