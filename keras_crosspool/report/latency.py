"""Latency of a model's files as the benchmark measured it: its JSON file, as far as it is shown."""

import pathlib
from typing import TypedDict

from keras_crosspool.records import read_record


class _Machine(TypedDict):
    cpu: str
    cores: int


class _Model(TypedDict):
    class_names: tuple[str, ...]
    image_size: int


class _Images(TypedDict):
    images: int


class _Summary(TypedDict):
    p50_ms: float
    p90_ms: float
    verdict: str


class _Runtime(TypedDict):
    name: str
    precision: str
    accuracy: float
    summary: _Summary


class Latency(TypedDict):
    """What the page shows of a latency result."""

    date: str
    machine: _Machine
    model: _Model
    images: _Images
    metric: str
    runtimes: tuple[_Runtime, ...]


def read_latency(path, metadata):
    """Reads a latency result and checks that it is of a model.

    Args:
        path: path of a JSON file of `benchmarks.latency`.
        metadata: `ModelMetadata`.

    Returns:
        `Latency`.

    Raises:
        ValueError: if it is no such file, or of another model.
    """
    path = pathlib.Path(path)
    if not path.is_file():
        raise ValueError(f"Expected a JSON file of benchmarks.latency. Received: no file {path}")
    advice = "measure again, or name a JSON file of benchmarks.latency"
    latency = read_record(Latency, path, advice)
    if not latency["runtimes"]:
        raise ValueError(f"The latency result holds no runtime: {advice}. Received: {path}")
    found = latency["model"]
    if (found["class_names"], found["image_size"]) != (metadata.class_names, metadata.image_size):
        raise ValueError(
            "The latency was measured on another model: its classes or image size differ; "
            f"{advice}. Received: {path}"
        )
    return latency
