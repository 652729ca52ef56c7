"""Progress: every item once, a bar on a terminal, dated lines elsewhere."""

import io
import pathlib
import re

import pytest
from absl import logging

from keras_crosspool import progress
from keras_crosspool.memory import peak_memory

STATUS = pathlib.Path("/proc/self/status")


@pytest.fixture
def lines(monkeypatch):
    found = []
    monkeypatch.setattr(logging, "info", lambda text, *args: found.append(text % args))
    return found


def test_lines_say_how_far_and_how_long(monkeypatch, lines):
    clock = iter([0.0, 10.0, 20.0, 30.0, 45.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    assert list(progress.track("abcd", "letters")) == list("abcd")
    # Two of four took 20 s; the fourth comes 25 s after that line.
    assert [line.partition(", peak ")[0] for line in lines] == [
        "letters: 2 of 4, 20 s left",
        "letters: 4 of 4, 0 s left",
    ]
    assert all(re.search(r", peak \d+\.\d GB$", line) for line in lines)


def test_an_unknown_number_of_items(monkeypatch, lines):
    clock = iter([0.0, 25.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    assert list(progress.track(iter("a"), "letters")) == ["a"]
    assert lines[0].startswith("letters: 1, after 25 s, peak ")


def test_quick_work_says_nothing(lines):
    assert list(progress.track(range(100), "numbers")) == list(range(100))
    assert lines == []


def test_a_terminal_shows_a_bar(monkeypatch, lines):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    assert list(progress.track([1, 2, 3], "counting")) == [1, 2, 3]
    shown = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", terminal.getvalue())
    assert "counting" in shown
    assert "3/3" in shown
    assert re.search(r"peak \d+\.\d GB", shown)
    assert lines == []


@pytest.mark.skipif(not STATUS.exists(), reason="the kernel's own figure is in /proc")
def test_peak_memory_is_that_of_the_kernel():
    (kilobytes,) = re.findall(r"VmHWM:\s+(\d+) kB", STATUS.read_text())
    assert peak_memory() == pytest.approx(1024 * int(kilobytes), rel=0.05)
