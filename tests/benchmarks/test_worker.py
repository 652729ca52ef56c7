"""Worker processes: what they answer, and how their end is told."""

import os
import pathlib
import signal
import subprocess
import sys

import numpy as np
import pytest

from benchmarks.latency import measurement, worker
from benchmarks.latency.candidate import Candidate
from benchmarks.latency.measurement import schedule
from benchmarks.latency.remote_runner import RemoteRunner, WorkerCrashError
from benchmarks.latency.subjects import open_subjects
from benchmarks.machine import memory_bytes


class _FakeRunner:
    """Runs nothing: the logits of image i favour class i, and image 1 has no number."""

    batch_size = 1
    gives_probabilities = False

    def __init__(self):
        self.seen = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def run(self, images):
        self.seen.append(images)
        logits = np.eye(4, dtype="float32")[images[:, 0, 0, 0].astype(int)]
        logits[images[:, 0, 0, 0] == 1, 2] = np.nan
        return logits


@pytest.fixture
def images(tmp_path):
    path = tmp_path / "images.npy"
    np.save(path, np.arange(4, dtype="uint8")[:, None, None, None] * np.ones((1, 2, 2, 3), "uint8"))
    return path


@pytest.fixture
def fake(monkeypatch, images):
    runner = _FakeRunner()
    monkeypatch.setattr(worker, "_make_runner", lambda _: runner)
    served = worker.Worker(Candidate("fake", "fake", "fake", "float32", 1, None), images)
    served.load()
    return served, runner


@pytest.fixture
def remote(workshop, tmp_path):
    np.save(tmp_path / "pixels.npy", np.zeros((3, 48, 48, 3), "uint8"))
    candidate = open_subjects([workshop / "model.tflite"], threads=(1,)).candidates[0]
    with RemoteRunner(candidate, tmp_path / "pixels.npy") as runner:
        yield runner


def test_images_go_in_one_at_a_time(fake):
    served, runner = fake
    assert len(served.time([3, 0, 3])) == 3
    assert [batch.shape for batch in runner.seen] == [(1, 2, 2, 3)] * 3
    assert [batch[0, 0, 0, 0] for batch in runner.seen] == [3, 0, 3]
    assert runner.seen[0].dtype == np.float32


def test_scoring_gives_the_logits_of_every_image(fake):
    served, _ = fake
    expected = np.eye(4)
    expected[1, 2] = np.nan
    np.testing.assert_array_equal(served.score()["scores"], expected)


def test_warm_up_ends_when_stable_or_after_a_hundred(fake, monkeypatch):
    served, _ = fake
    monkeypatch.setattr(served, "time", lambda indices: [100])
    assert len(served.warm_up([0, 1])) == 15
    rising = iter(range(1, 1000))
    monkeypatch.setattr(served, "time", lambda indices: [next(rising) ** 9])
    assert len(served.warm_up([0, 1])) == 100


def test_artefact_worker_has_no_tensorflow(remote):
    loaded = remote.ask("load")
    assert len(remote.ask("time", [0, 1, 2])) == 3
    mapped = pathlib.Path(f"/proc/{remote.pid}/maps").read_text()
    assert "ai_edge_litert" in mapped
    assert "tensorflow_cc" not in mapped
    assert "tensorflow_framework" not in mapped
    assert loaded["base_bytes"] < remote.ask("peak_bytes")


def test_junk_is_the_users_error(junk, tmp_path):
    candidate = Candidate("junk", "LiteRT", str(junk), "float32", 1, "ai_edge_litert.interpreter")
    with (
        RemoteRunner(candidate, tmp_path) as remote,
        pytest.raises(ValueError, match="LiteRT cannot load the file"),
    ):
        remote.ask("load")


def test_a_fault_in_the_worker_brings_its_traceback(remote):
    remote.ask("load")
    with pytest.raises(WorkerCrashError, match=r"(?s)exit code 1 when asked to time.*IndexError"):
        remote.ask("time", [99])


def test_a_killed_worker_is_named(remote):
    remote.ask("load")
    os.kill(remote.pid, signal.SIGKILL)
    with pytest.raises(WorkerCrashError, match=r"model\.tflite, 1 thread ended with SIGKILL"):
        remote.ask("peak_bytes")


def test_no_worker_outlives_its_parent_end(workshop, tmp_path):
    candidate = open_subjects([workshop / "model.onnx"], threads=(1,)).candidates[0]
    with RemoteRunner(candidate, tmp_path / "none.npy") as remote:
        pid = remote.pid
    assert not pathlib.Path(f"/proc/{pid}").exists()


def test_peak_memory_is_that_of_the_process_itself():
    # Another allocator than the system's may be at work in the process of the tests.
    code = """
import numpy as np
from benchmarks.machine import memory_bytes
block = np.ones(64_000_000 // 8)
grown = memory_bytes("VmRSS")
del block
print(grown, memory_bytes("VmRSS"), memory_bytes("VmHWM"))
"""
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    grown, left, peak = map(int, child.stdout.split())
    # Linux counts resident pages in batches a processor, so two readings differ a little.
    assert peak > grown - 8_000_000
    assert left < grown - 48_000_000
    block = np.ones(64_000_000 // 8)
    code = "from benchmarks.machine import memory_bytes; print(memory_bytes('VmHWM'))"
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    # A child starts anew, however large its parent has been.
    assert int(child.stdout) < block.nbytes
    with pytest.raises(ValueError, match="Received: VmNone"):
        memory_bytes("VmNone")


def test_schedule_shuffles_runtimes_and_repeats_with_its_seed():
    plan = schedule(["a", "b", "c"], images=10, rounds=30, per_round=4, seed=1)
    assert plan == schedule(["a", "b", "c"], images=10, rounds=30, per_round=4, seed=1)
    assert plan != schedule(["a", "b", "c"], images=10, rounds=30, per_round=4, seed=2)
    assert {turn.order[0] for turn in plan} == {"a", "b", "c"}
    assert all(sorted(turn.order) == ["a", "b", "c"] for turn in plan)
    assert all(len(set(turn.images)) == 4 for turn in plan)
    assert {index for turn in plan for index in turn.images} == set(range(10))


def test_other_pixels_are_found_out():
    pixels = np.zeros((1, 2, 2, 3), "uint8")
    with pytest.raises(RuntimeError, match="late read beef"):
        measurement._check_pixels({"late": {"pixels_sha256": "beef"}}, {"late": pixels})
