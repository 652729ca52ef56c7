"""Which compiler, and what is said before training begins."""

import types

import pytest
from absl import logging

from keras_crosspool.distribution import Distribution
from keras_crosspool.fine_tuning.callbacks.throughput import report
from keras_crosspool.fine_tuning.precision import announce, resolve_compiler


class _Devices(Distribution):
    """Devices that are not there."""

    devices = ()
    replicas = 1


def _distribution(devices, strategy=None):
    one = _Devices(strategy, name="one" if strategy is None else "mirrored")
    object.__setattr__(one, "devices", devices)
    object.__setattr__(one, "replicas", len(devices))
    return one


CPU, GPU = _distribution(["CPU:0"]), _distribution(["GPU:0"])
GPUS = _distribution(["GPU:0", "GPU:1"], types.SimpleNamespace())


@pytest.mark.parametrize(
    ("choice", "distribution", "compiled"),
    [
        ("auto", CPU, False),
        ("auto", GPU, True),
        ("auto", GPUS, False),
        ("on", CPU, True),
        ("on", GPU, True),
        ("off", CPU, False),
        ("off", GPU, False),
        ("off", GPUS, False),
    ],
)
def test_compiler(choice, distribution, compiled):
    found, reason = resolve_compiler(choice, distribution)
    assert found is compiled
    assert reason


def test_a_compiler_that_cannot_be_is_refused():
    with pytest.raises(ValueError, match=r"one of auto, on, off\. Received: 'maybe'"):
        resolve_compiler("maybe", CPU)
    with pytest.raises(ValueError, match=r"`jit_compile=auto`.*'on' with the strategy 'mirrored'"):
        resolve_compiler("on", GPUS)


def test_what_is_said(monkeypatch):
    lines = []
    monkeypatch.setattr(logging, "info", lambda text, *args: lines.append(text % args))
    announce(GPUS, 12, "mixed_float16", (False, "as asked"), 3)
    said = " / ".join(lines)
    for words in ("mirrored", "2 replica", "GPU:0, GPU:1", "worker 0 of 1", "6 a replica"):
        assert words in said
    assert "mixed_float16; XLA off: as asked" in said


@pytest.mark.parametrize(("batch_size", "parts"), [(7, 1), (6, 2), (8, 3)])
def test_a_batch_that_cannot_be_divided_is_refused(batch_size, parts):
    words = rf"multiple.*batch_size={batch_size} for 2 replicas and {parts} parts"
    with pytest.raises(ValueError, match=words):
        announce(GPUS, batch_size, "float32", (False, ""), parts)


@pytest.mark.parametrize(
    ("trained", "delivered", "bound"),
    [(10.0, 100.0, "compute"), (10.0, 14.0, "input"), (10.0, 9.0, "input")],
)
def test_what_bounds_training(trained, delivered, bound):
    assert report(trained, delivered) == {
        "images_per_second": trained,
        "input_images_per_second": delivered,
        "bound": bound,
    }
    assert report(None, None) == {}
