"""Training that is killed, stopped and starved, as processes: what it says, and how it ends."""

import json

import numpy as np
import pytest

from benchmarks.fault_cases import FAULTS
from benchmarks.fault_laboratory import FaultLaboratory
from benchmarks.fault_runs import weights

pytestmark = pytest.mark.slow

TRAINING = (
    "--image_size=64",
    "--window_size=1",
    "--crop_scales=1",
    "--nomirror",
    "--nobaseline",
    "--feature_channels=8",
    "--guidance_channels=16",
    "--epochs=2",
    "--learning_rate=1e-6",  # Adam makes rounding errors grow with it
    "--batch_size=6",
    "--checkpoint_steps=2",
)
ONE_DEVICE = (
    "SIGTERM at a step",
    "two runs into one output",  # and SIGKILL to the first
    "output cannot be written",
    "port taken",
)
CLOSE = 1e-6  # two workers' sums need not come in the same order


@pytest.fixture(scope="module")
def laboratory(tmp_path_factory, grocery):
    """Runs that nothing happened to, of one process and of two workers, from one solved model."""
    classes = ["Anjou", "Arla-Standard-Milk", "Orange"]
    laboratory = FaultLaboratory(tmp_path_factory.mktemp("faults"), grocery, classes, TRAINING)
    laboratory.prepare(tuned=False)
    return laboratory


def _row(laboratory, name):
    (fault,) = (fault for fault in FAULTS if fault.name == name)
    row = laboratory.row(fault)
    assert row["as expected"] == "yes", row
    assert row["half-written"] == "nothing", row
    assert row["repeated"] in (0, None), row
    return row


@pytest.mark.parametrize("name", ONE_DEVICE)
def test_one_device_ends_in_the_same_weights(laboratory, name):
    assert _row(laboratory, name)["difference"] in (0.0, None)


def test_training_changed_the_weights(laboratory):
    """Else the other tests would hold without training."""
    solved = weights(laboratory.start("solved").checkpoints / "solved")
    tuned = weights(laboratory.whole["one"])
    kernels = [name for name in solved if solved[name].ndim == 4]
    assert len(kernels) > 40
    assert all(np.abs(solved[name] - tuned[name]).max() > 0 for name in kernels)


def test_two_workers_see_the_losses_of_one_process(laboratory):
    one, two = (
        json.loads((laboratory.whole[name] / "history.json").read_text()) for name in ("one", "two")
    )
    assert len(two["loss"]) == 2
    np.testing.assert_allclose(two["loss"], one["loss"], rtol=1e-5)


@pytest.mark.parametrize("name", ["worker SIGKILLed"])
def test_workers_are_taken_up(laboratory, name):
    assert _row(laboratory, name)["difference"] < CLOSE
