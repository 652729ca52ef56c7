"""The devices of a run: what names them, and every way in which they can be named wrongly."""

import json
import socket

import numpy as np
import pytest

from keras_crosspool.distribution import ONE_DEVICE, Distribution, create_distribution
from keras_crosspool.distribution.cluster import read_cluster
from keras_crosspool.errors import LostWorkerError

TWO = ("10.0.0.1:4000", "10.0.0.2:4000")


@pytest.fixture(autouse=True)
def no_cluster(monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)


def _config(cluster, kind, index):
    return json.dumps({"cluster": cluster, "task": {"type": kind, "index": index}})


def test_one_device():
    one = create_distribution("one")
    assert (one.replicas, one.local_replicas, one.is_chief) == (1, 1, True)
    assert one is ONE_DEVICE
    assert len(one.devices) == 1
    rows = np.arange(6).reshape(3, 2)
    np.testing.assert_array_equal(one.all_reduce(rows), rows)
    np.testing.assert_array_equal(one.all_gather(rows), rows)
    assert create_distribution("one", devices=1) is one


def test_workers_by_arguments(monkeypatch):
    assert read_cluster(TWO, 1) == (TWO, 1)
    # They go before those of the environment.
    monkeypatch.setenv("TF_CONFIG", _config({"worker": ["h:1", "h:2", "h:3"]}, "worker", 2))
    assert read_cluster(TWO, 0) == (TWO, 0)
    assert read_cluster((), None) == (("h:1", "h:2", "h:3"), 2)
    assert read_cluster((), 1) == (("h:1", "h:2", "h:3"), 1)


@pytest.mark.parametrize(
    ("kind", "index", "expected"), [("chief", 0, 0), ("worker", 0, 1), ("worker", 1, 2)]
)
def test_the_chief_comes_first(monkeypatch, kind, index, expected):
    cluster = {"worker": ["b:1", "c:1"], "chief": ["a:1"]}
    monkeypatch.setenv("TF_CONFIG", _config(cluster, kind, index))
    assert read_cluster((), None) == (("a:1", "b:1", "c:1"), expected)


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        "3",
        "{}",
        '{"cluster": {"worker": ["a:1", "b:1"]}}',
        '{"cluster": ["a:1", "b:1"], "task": {"type": "worker", "index": 0}}',
        _config({"worker": ["a:1", "b:1"]}, "worker", "first"),
        _config({"worker": ["a:1", "b:1"], "ps": ["c:1"]}, "worker", 0),
        _config({"worker": ["a:1", "b:1"]}, "evaluator", 0),
        _config({"worker": ["a:1", "b:1"]}, "worker", 2),
        _config({"worker": ["a:1", "b:1"]}, "chief", 0),
        _config({"worker": ["a:1", "b:1"], "chief": ["c:1"]}, "chief", 1),
    ],
)
def test_a_bad_cluster_in_the_environment_is_shown(monkeypatch, text):
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(ValueError, match=r"TF_CONFIG must be JSON.*Received:") as error:
        create_distribution()
    assert str(error.value).endswith(text)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"name": "two"}, r"one of auto, one, mirrored, multi_worker\. Received: 'two'"),
        ({"task_index": 0}, r"task_index needs the workers.*task_index=0 and no workers"),
        ({"workers": TWO}, r"which of the 2 workers.*task_index=None"),
        ({"workers": TWO, "task_index": 2}, r"which of the 2 workers.*task_index=2"),
        ({"workers": TWO, "task_index": -1}, r"task_index=-1"),
        ({"workers": ("a:1", "b"), "task_index": 0}, r"host:port\. Received: 'b'"),
        ({"workers": ("a:1", ":2"), "task_index": 0}, r"host:port\. Received: ':2'"),
        ({"workers": ("a:1", "b:x"), "task_index": 0}, r"host:port\. Received: 'b:x'"),
        ({"workers": ("a:1", "a:1"), "task_index": 0}, r"address of its own.*workers=a:1,a:1"),
        ({"name": "one", "workers": TWO, "task_index": 0}, r"'one'.*workers=10\.0\.0\.1:4000,"),
        ({"name": "mirrored", "workers": TWO, "task_index": 0}, r"'mirrored'.*take multi_worker"),
        ({"name": "multi_worker"}, r"two workers or more.*Received: workers=$"),
        (
            {"name": "multi_worker", "workers": ("a:1",), "task_index": 0},
            r"two workers or more.*workers=a:1$",
        ),
        ({"name": "one", "devices": 2}, r"'one' uses one device.*devices=2"),
    ],
)
def test_bad_arguments_are_named(arguments, words):
    with pytest.raises(ValueError, match=words):
        create_distribution(**arguments)


def test_devices_cannot_be_chosen_too_late():
    import tensorflow as tf

    tf.zeros(1)
    with pytest.raises(ValueError, match=r"before TensorFlow.*devices=7"):
        create_distribution("mirrored", devices=7)


def test_workers_that_do_not_agree_are_said(monkeypatch):
    assert ONE_DEVICE.check_same(3, "the weights") == 3
    monkeypatch.setattr(Distribution, "all_gather", lambda self, rows: np.append(rows, 4))
    assert ONE_DEVICE.check_same(4, "the weights") == 4
    with pytest.raises(ValueError, match=r"agree on the weights\. Received: \[3, 4\], by worker"):
        ONE_DEVICE.check_same(3, "the weights")


def test_a_port_that_is_taken_is_said():
    with socket.socket() as holder:
        holder.bind(("", 0))
        holder.listen()
        address = f"127.0.0.1:{holder.getsockname()[1]}"
        with pytest.raises(OSError, match=rf"port of this worker.*in use.*Received: {address}$"):
            create_distribution(workers=(address, "127.0.0.1:1"), task_index=0)


def test_a_lost_worker_is_said_in_words():
    import tensorflow as tf

    first = Distribution(name="multi_worker", size=2, rank=1)
    assert not first.is_chief
    lost = pytest.raises(LostWorkerError, match=r"same flags.*\(gone\).*worker 1 of 2$")
    with lost, first.reporting_lost_workers():
        raise tf.errors.UnavailableError(None, None, "gone\nand a stack")
    # What is no matter between workers stays what it is, and so does all on one device.
    with pytest.raises(ValueError, match="mine"), first.reporting_lost_workers():
        raise ValueError("mine")
    with pytest.raises(tf.errors.InternalError), ONE_DEVICE.reporting_lost_workers():
        raise tf.errors.InternalError(None, None, "a bug")
