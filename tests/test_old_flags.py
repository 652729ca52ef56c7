"""The flags of version 0.1 are taken under their old names, with a warning."""

import subprocess
import sys

import pytest

from keras_crosspool.config.network_config import SCHEMES
from keras_crosspool.exporting.formats import FORMATS
from keras_crosspool.old_flags import renamed

_INT8_FLAGS = {option.name for row in FORMATS for option in row.options}


@pytest.mark.parametrize(
    ("old", "current"),
    [
        ("--parity_pictures=8", "--parity_images=8"),
        ("-parity_pictures", "--parity_images"),
        ("--calibration_pictures=8", "--calibration_images=8"),
        ("--scheme=fine", "--scheme=scheme1_2x"),
        ("--scheme=coarse+fine", "--scheme=scheme1+scheme1_2x"),
        ("--scheme=coarse", "--scheme=scheme1"),
    ],
)
def test_old_words_are_taken(old, current, caplog):
    with caplog.at_level("WARNING", logger="absl"):
        assert renamed(old) == current
    assert current in caplog.text


@pytest.mark.parametrize("argument", ["--scheme=both", "--data=fine", "fine", "--", "-", "--top"])
def test_others_stay(argument, caplog):
    assert renamed(argument) == argument
    assert not caplog.records


def test_the_current_words_exist():
    assert renamed("--scheme=fine").removeprefix("--scheme=") in SCHEMES
    assert renamed("--scheme=coarse+fine").removeprefix("--scheme=") in SCHEMES
    assert renamed("--calibration_pictures").removeprefix("--") in _INT8_FLAGS


def test_a_command_takes_them():
    arguments = ["--model=none", "--output=x.tflite", "--parity_pictures=7"]
    done = subprocess.run(
        [sys.executable, "-m", "export.tflite", *arguments], capture_output=True, text=True
    )
    assert done.returncode == 2
    assert "--parity_pictures is now --parity_images=7" in done.stderr
    assert "flag --parity_images=7" in done.stderr  # at least 8, as the flag itself says
