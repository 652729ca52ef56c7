"""Half-written files: those of processes that were killed go, those of all others stay."""

import os
import subprocess
import sys

import pytest

from keras_crosspool import partials
from keras_crosspool.files import atomic_path
from keras_crosspool.partials import is_partial, partial_path, remove_abandoned


@pytest.fixture
def target(tmp_path):
    return tmp_path / "model.keras"


def _named(target, machine=None, pid=None, start=None):
    """A half-written file of another process."""
    path = partial_path(target)
    token = partials._TOKEN.search(path.name)
    found = [token[1], int(token[2], 16), int(token[3], 16)]
    machine, pid, start = (
        old if new is None else new for old, new in zip(found, (machine, pid, start), strict=True)
    )
    name = path.name.replace(token[0], f"{machine}-{pid:x}-{start:x}-01234567")
    path = path.with_name(name)
    path.write_text("half")
    return path


@pytest.fixture
def ended():
    """The number of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_what_a_dead_process_left_is_removed_with_the_next_write(target, ended, tried):
    left = _named(target, pid=ended)
    assert is_partial(left)
    with atomic_path(target) as path:
        assert not left.exists()
        path.write_text("whole")
    assert os.listdir(target.parent) == [target.name]
    tried("files", "a half-written file of a run that was killed", "removed by the next run")


def test_a_folder_that_a_dead_process_left_is_removed(target, ended):
    left = _named(target, pid=ended)
    left.unlink()
    left.mkdir()
    (left / "weights").write_text("half")
    remove_abandoned(target)
    assert os.listdir(target.parent) == []


def test_a_number_that_is_another_process_by_now(target):
    left = _named(target, start=1)
    remove_abandoned(target)
    assert not left.exists()


def test_a_process_that_ended_and_that_nobody_waited_for(target):
    """As in a container whose first process waits for none."""
    process = subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE)
    start = partials._start_of(process.pid)
    left = _named(target, pid=process.pid, start=start)
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    remove_abandoned(target)
    assert not left.exists()
    process.communicate()


def test_whoever_lives_keeps_what_it_writes(target):
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        start = partials._start_of(process.pid)
        kept = [_named(target), _named(target, pid=process.pid, start=start)]
        with atomic_path(target) as path:
            path.write_text("whole")
        assert sorted(target.parent.iterdir()) == sorted([*kept, target])
        process.communicate(b"\n")


def test_another_machine_is_never_robbed(target, ended):
    kept = [
        _named(target, machine="0123456789ab", pid=ended),
        _named(target, machine="0123456789ab", start=1),
    ]
    remove_abandoned(target)
    assert sorted(target.parent.iterdir()) == sorted(kept)


def test_other_targets_and_files_of_others_stay(target, ended):
    kept = [
        _named(target.with_name("other.keras"), pid=ended),
        _named(target.with_name("model.json"), pid=ended),
        target.with_name(".model.mine.partial.keras"),
        target.with_name(".model.0123456789abcdef.partial.keras"),  # of version 0.1: whose, is open
    ]
    for path in kept[2:]:
        path.write_text("")
    remove_abandoned(target)
    assert sorted(target.parent.iterdir()) == sorted(kept)


def test_without_proc_a_living_process_keeps_its_files(target, ended, monkeypatch):
    monkeypatch.setattr(partials, "_start_of", lambda pid: None)
    kept, left = _named(target), _named(target, pid=ended)
    remove_abandoned(target)
    assert kept.exists()
    assert not left.exists()


def test_a_file_that_cannot_be_removed_stops_nobody(target, ended, monkeypatch):
    left = _named(target, pid=ended)

    def refuse(path):
        raise PermissionError(1, "Operation not permitted", str(path))

    warnings = []
    monkeypatch.setattr(partials, "remove_path", refuse)
    monkeypatch.setattr(partials.logging, "warning", lambda text, *args: warnings.append(args))
    remove_abandoned(target)
    assert [args[0] for args in warnings] == [left]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (".model.0123456789abcdef.partial.keras", True),  # of version 0.1
        (".model.0123456789abcdef.partial", True),
        ("model.0123456789abcdef.partial.keras", False),
        (".notes.partial", False),
        (".notes.txt", False),
    ],
)
def test_names(target, name, expected):
    assert is_partial(target.with_name(name)) is expected
    assert is_partial(partial_path(target))
    assert is_partial(partial_path(target.with_name("model")))
