"""A run that was stopped after its solved stage, and is taken up."""

import json
import types

import pytest

from keras_crosspool.config import TrainingConfig
from keras_crosspool.training import train as session
from tests.small_options import SMALL_NETWORK


class _StoppedHereError(Exception):
    pass


@pytest.fixture
def stopped(tiny_folder, tmp_path, monkeypatch):
    """A run that was stopped before it tuned: its config, its output and its checkpoints."""

    def stop(*_):
        raise _StoppedHereError

    options = SMALL_NETWORK | {"mirror": False, "batch_size": 6, "epochs": 1}
    config = TrainingConfig.of(data=str(tiny_folder), **options)
    output = tmp_path / "model"
    with monkeypatch.context() as patched:
        patched.setattr(session, "tune_network", stop)
        with pytest.raises(_StoppedHereError):
            session.train(output, config)
    return types.SimpleNamespace(
        config=config, output=output, solved=session.checkpoints_directory(output) / "solved"
    )


def test_the_time_of_the_solved_stage_is_kept(stopped, monkeypatch):
    record = json.loads((stopped.solved / "model.json").read_text())
    assert record["scores"]["seconds"]["closed_form"] > 0
    before = {"closed_form": 1234.5, "validation": 1000.0}  # which no run of this test takes
    record["scores"]["seconds"] = before
    (stopped.solved / "model.json").write_text(json.dumps(record))
    monkeypatch.setattr(session, "tune_network", lambda *_: ({}, {}))
    seconds = session.train(stopped.output, stopped.config).scores.seconds
    assert seconds["closed_form"] == before["closed_form"]
    assert seconds["validation"] >= before["validation"]
    assert "fine_tuning" in seconds.keys() - before.keys()


@pytest.mark.parametrize("name", ["model.json", "model.keras"])
def test_a_damaged_solved_stage_says_how_to_start_again(stopped, name):
    (stopped.solved / name).write_text("damaged")
    words = "restore it, or remove the folder .*model.checkpoints to start again"
    with pytest.raises(ValueError, match=rf"{words}(.|\n)*Received: .*solved"):
        session.train(stopped.output, stopped.config)
