"""Mains that stop before their time: one line, and an exit code that says whether to go on."""

import pytest

SCRIPT = """
import sys
from keras_crosspool import errors, mains
def main(_):
    raise getattr(errors, {name!r})("Stopped at a step;\\n the same command goes on.")
mains.run(main)
"""


@pytest.mark.parametrize(
    ("name", "code"), [("InterruptedTrainingError", 75), ("LostWorkerError", 69)]
)
def test_exit_codes(name, code, tmp_path, run_main):
    (tmp_path / "stopping_main.py").write_text(SCRIPT.format(name=name))
    done = run_main("stopping_main", cwd=tmp_path)
    assert done.returncode == code
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert [line for line in lines if line.startswith("error: ")] == [
        "error: Stopped at a step; the same command goes on."
    ]
    assert "Traceback" not in done.stderr
