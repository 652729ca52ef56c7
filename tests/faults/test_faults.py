"""Training that is killed, stopped and starved, as processes: what it says, and how it ends."""

import json

import numpy as np
import pytest

from tests.conftest import ROOT
from tests.faults.cases import FAULTS
from tests.faults.laboratory import FaultLaboratory
from tests.faults.runs import relative_difference, start_process, weights
from tests.fork_server import FORKS

pytestmark = pytest.mark.heavy

TRAINING = (
    "--image_size=64",
    "--window_size=1",
    "--crop_scales=1",
    "--nomirror",
    "--nobaseline",
    "--feature_channels=8",
    "--guidance_channels=16",
    "--epochs=2",
    "--tuning_dropout=0",
    "--batch_size=6",
    "--checkpoint_steps=2",
)
ONE_DEVICE = (
    "SIGTERM at a step",
    "two runs into one output",  # and SIGKILL to the first
    "output cannot be written",
    "port taken",
)
CLOSE = 1e-6  # kernels need not sum alike in every process


@pytest.fixture(scope="module")
def laboratory(tmp_path_factory, grocery, fork_server):
    """Runs that nothing happened to, of one process and of two workers, from one solved model."""
    classes = ["Anjou", "Arla-Standard-Milk", "Orange"]
    folder = tmp_path_factory.mktemp("faults")

    def start(module, *arguments, file):
        return fork_server.start(module, *arguments, cwd=ROOT, out=file, err=file)

    start = start if FORKS else start_process
    laboratory = FaultLaboratory(folder, grocery, classes, TRAINING, start=start)
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


def test_two_workers_train_as_one_process_that_halves_its_batches(laboratory):
    """The same sums in the same order, at a rate at which Adam does not make rounding grow."""
    folders = []
    for workers, parts in ((2, 1), (None, 2)):
        case = laboratory.case(f"{parts} parts", "solved")
        case.folder.rewrite_run(learning_rate=1e-6, gradient_accumulation=parts)
        flags = ("--learning_rate=1e-6", f"--gradient_accumulation={parts}")
        assert case.train(*flags, workers=workers).ended().code == 0
        folders.append(case.folder.output)
    two, one = folders
    two_losses, losses = (json.loads((x / "history.json").read_text())["loss"] for x in folders)
    assert len(losses) == 2
    np.testing.assert_allclose(two_losses, losses, rtol=1e-5)
    assert relative_difference(two, one) < CLOSE


@pytest.mark.parametrize("name", ["worker SIGKILLed"])
def test_workers_are_taken_up(laboratory, name):
    assert _row(laboratory, name)["difference"] < CLOSE
