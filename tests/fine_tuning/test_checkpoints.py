"""Checkpoints: whole or not there, of one run and one process, and never the only one lost."""

import errno
import json
import os
import pathlib
import signal
import subprocess
import sys

import numpy as np
import pytest
from absl import logging

import keras_crosspool
from keras_crosspool.fine_tuning import checkpoints as module
from keras_crosspool.fine_tuning.checkpoints import Checkpoints

ROOT = pathlib.Path(keras_crosspool.__file__).parents[1]
RUN = {"seed": 0, "crops": (1.0, 0.8)}
# Writes one checkpoint, and is then busy writing the next one for as long as it lives.
HOLDER = """
import sys, time
import numpy as np
from keras_crosspool.fine_tuning.checkpoints import Checkpoints
with Checkpoints(sys.argv[1], {"seed": 0, "crops": (1.0, 0.8)}) as checkpoints:
    checkpoints.save(1, {"x": np.ones(3)}, {"epoch": 0})
    def savez(path, **arrays):
        path.write_bytes(b"half of it")
        print("writing", flush=True)
        time.sleep(600)
    np.savez = savez
    checkpoints.save(2, {"x": np.ones(3)}, {"epoch": 1})
"""


def _arrays(number):
    rng = np.random.default_rng(number)
    return {"model/0": rng.normal(size=(3, 4)).astype("float32"), "optimizer/0": np.int64(number)}


def _open(folder, run=RUN, **kwargs):
    return Checkpoints(folder / "model.checkpoints", run, **kwargs)


def _save(checkpoints, *numbers):
    for number in numbers:
        checkpoints.save(number, _arrays(number), {"step": number, "logs": {"loss": 0.1 + 0.2}})


def _names(folder):
    return sorted(path.name for path in (folder / "model.checkpoints").iterdir())


@pytest.fixture
def warnings(monkeypatch):
    found = []
    monkeypatch.setattr(logging, "warning", lambda text, *args: found.append(text % args))
    return found


def test_round_trip_keeps_two(tmp_path):
    with _open(tmp_path) as checkpoints:
        assert checkpoints.newest() is None
        _save(checkpoints, 2, 9, 10, 100)
    assert _names(tmp_path) == ["lock", "run.json", "step-00000010", "step-00000100"]
    with _open(tmp_path) as checkpoints:
        newest = checkpoints.newest()
        assert (newest.number, newest.state) == (100, {"step": 100, "logs": {"loss": 0.1 + 0.2}})
        assert sorted(newest.arrays) == sorted(_arrays(100))
        for name, array in _arrays(100).items():
            np.testing.assert_array_equal(newest.arrays[name], array)
            assert newest.arrays[name].dtype == array.dtype
        checkpoints.remove()
    assert list(tmp_path.iterdir()) == []


def _truncate(folder):
    path = folder / "arrays.npz"
    path.write_bytes(path.read_bytes()[:-30])


def _flip_a_byte(folder):
    path = folder / "arrays.npz"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def _change_the_state(folder):
    path = folder / "state.json"
    path.write_text(path.read_text().replace('"step": ', '"step": 1'))


DAMAGES = {
    "truncated": _truncate,
    "byte": _flip_a_byte,
    "changed state": _change_the_state,
    "no state": lambda folder: (folder / "state.json").unlink(),
    "no arrays": lambda folder: (folder / "arrays.npz").unlink(),
    "half a state": lambda folder: (folder / "state.json").write_text('{"state": {'),
    "empty state": lambda folder: (folder / "state.json").write_text("{}"),
    "a list": lambda folder: (folder / "state.json").write_text("[]"),
    "a list of states": lambda folder: (folder / "state.json").write_text(
        '{"state": [], "sha256": 3}'
    ),
    "nested without end": lambda folder: (folder / "state.json").write_text("[" * 10**5),
    "a file": lambda folder: folder.rename(f"{folder}.moved") and folder.write_text(""),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_one_is_passed_over_in_words(tmp_path, warnings, damage, tried, request):
    with _open(tmp_path) as checkpoints:
        _save(checkpoints, 4, 8)
        damage(tmp_path / "model.checkpoints" / "step-00000008")
        assert checkpoints.newest().number == 4
        (warning,) = warnings
        assert "step-00000008 is damaged" in warning
        damage(tmp_path / "model.checkpoints" / "step-00000004")
        assert checkpoints.newest() is None
    tried("training", f"a damaged checkpoint: {request.node.callspec.id}", warning)


@pytest.mark.parametrize("killed", [False, True])
def test_notes_in_a_step_are_kept(tmp_path, warnings, killed, monkeypatch):
    """Also by the run after one that was killed while it removed the step."""
    folder = tmp_path / "model.checkpoints"
    with _open(tmp_path) as checkpoints:
        _save(checkpoints, 1)
        (folder / "step-00000001" / "notes.txt").write_text("mine")
        if killed:
            monkeypatch.setattr(checkpoints, "_remove_ours", lambda path: None)
        _save(checkpoints, 2, 3)
    monkeypatch.undo()
    if killed:
        assert not (folder / "step-00000001").exists()
        with _open(tmp_path):
            pass
    assert (folder / "step-00000001.~1~" / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize(
    "text", ["[]", "3", "null", "{", "", "[" * 10**5], ids=lambda text: text[:9] or "empty"
)
def test_a_damaged_record_of_the_run_is_refused(tmp_path, text, tried):
    with _open(tmp_path) as checkpoints:
        _save(checkpoints, 4)
    path = tmp_path / "model.checkpoints" / "run.json"
    path.write_text(text)
    with pytest.raises(
        ValueError, match=r"^run\.json is damaged: .*Received: .*run\.json$"
    ) as error:
        _open(tmp_path).__enter__()
    assert path.read_text() == text
    assert "step-00000004" in _names(tmp_path)
    tried("training", f"a run.json of {text[:9] or 'nothing'}", error.value)


def test_what_is_no_checkpoint_is_passed_over(tmp_path):
    with _open(tmp_path) as checkpoints:
        _save(checkpoints, 4)
        (checkpoints.directory / "step-best").mkdir()
        (checkpoints.directory / "step-00000009.zip").write_text("")
        assert checkpoints.newest().number == 4


def test_one_that_is_there_is_written_again(tmp_path, warnings):
    """As the damaged one that a run was not taken up at."""
    with _open(tmp_path) as checkpoints:
        _save(checkpoints, 4, 8)
        for damage in (_truncate, lambda folder: None):
            damage(tmp_path / "model.checkpoints" / "step-00000008")
            _save(checkpoints, 8)
            newest = checkpoints.newest()
            assert newest.number == 8
            np.testing.assert_array_equal(newest.arrays["model/0"], _arrays(8)["model/0"])
    assert _names(tmp_path) == ["lock", "run.json", "step-00000004", "step-00000008"]
    assert warnings == []


def test_another_run_is_refused(tmp_path):
    with _open(tmp_path) as checkpoints:
        _save(checkpoints, 1)
    with pytest.raises(ValueError, match=r"of another run.*seed 0, not 1; epochs None, not 3$"):
        _open(tmp_path, {**RUN, "seed": 1, "epochs": 3}).__enter__()
    with _open(tmp_path, {"crops": [1.0, 0.8], "seed": 0}) as checkpoints:
        assert checkpoints.newest().number == 1


def test_nothing_stays_of_a_run_that_kept_nothing(tmp_path):
    with pytest.raises(KeyError), _open(tmp_path):
        raise KeyError
    assert list(tmp_path.iterdir()) == []
    with _open(tmp_path) as checkpoints:
        _save(checkpoints, 1)
    with pytest.raises(ValueError, match="another run"):
        _open(tmp_path, {}).__enter__()
    assert _names(tmp_path) == ["lock", "run.json", "step-00000001"]


def test_a_run_that_kept_nothing_gives_the_folder_to_another(tmp_path, tried):
    """As one that was killed before its first checkpoint."""
    killed = _open(tmp_path)
    killed.__enter__()
    killed._lock.close()
    assert _names(tmp_path) == ["lock", "run.json"]
    with _open(tmp_path, {**RUN, "seed": 1}) as checkpoints:
        _save(checkpoints, 1)
    assert json.loads((tmp_path / "model.checkpoints" / "run.json").read_text())["seed"] == 1
    tried("training", "another --seed after a kill before the first checkpoint", "trains anew")


MINE = {"notes.txt": "mine", "photos/photo.jpg": "mine", "step-by-step.txt": "mine"}


def _put_mine(folder):
    for name, text in MINE.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def _files(folder):
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_text() for path in files}


def test_the_users_files_in_the_folder_stay(tmp_path, tried):
    folder = tmp_path / "model.checkpoints"
    _put_mine(folder)
    with pytest.raises(KeyError), _open(tmp_path):
        raise KeyError
    assert _files(folder) == MINE
    kept = {}
    for run in (1, 2):  # the second run finds what the first one left
        with _open(tmp_path) as checkpoints:
            _save(checkpoints, 1, 2, 3)
            (folder / "step-00000002" / "mine.txt").write_text("mine")
            checkpoints.remove()
        kept[f"step-00000002.~{run}~/mine.txt"] = "mine"
        assert _files(folder) == MINE | kept
    tried("training", "notes and images of the user's in model.checkpoints", "they stay")


@pytest.mark.parametrize("name", ["step-00000001/photo.jpg", "solved/photo.jpg"])
def test_a_folder_of_something_else_is_refused(tmp_path, name, tried):
    path = tmp_path / "model.checkpoints" / name
    path.parent.mkdir(parents=True)
    path.write_text("mine")
    with pytest.raises(ValueError, match=r"holds something else.*Received: .*run\.json$") as error:
        _open(tmp_path).__enter__()
    assert path.read_text() == "mine"
    if name.startswith("solved"):
        tried("training", "a folder model.checkpoints/solved of the user's", error.value)


def test_a_file_named_lock_or_run_json_of_the_users(tmp_path):
    folder = tmp_path / "model.checkpoints"
    folder.mkdir()
    (folder / "lock").write_text("mine")
    with _open(tmp_path) as checkpoints:
        _save(checkpoints, 1)
        checkpoints.remove()
    assert _files(folder) == {"lock": "mine"}
    (folder / "run.json").write_text('{"program": "mine"}')
    with pytest.raises(ValueError, match=r"of another run.*program 'mine', not None"):
        _open(tmp_path).__enter__()
    assert _files(folder) == {"lock": "mine", "run.json": '{"program": "mine"}'}


def test_a_linked_folder_stays_and_is_emptied(tmp_path, tried):
    """As on a larger disk, that the folder is on by a link."""
    link, disk = tmp_path / "model.checkpoints", tmp_path / "disk"
    link.symlink_to(disk)
    for _ in range(2):  # the link leads to nothing, then to an empty folder
        with _open(tmp_path) as checkpoints:
            _save(checkpoints, 1, 2, 3)
            assert len(list(disk.glob("step-*"))) == 2
            checkpoints.remove()
        assert link.is_symlink()
        assert list(disk.iterdir()) == []
    tried("training", "model.checkpoints is a link to a folder elsewhere", "trains; the link stays")


def test_who_does_not_write_writes_nothing(tmp_path):
    with _open(tmp_path, writes=False) as checkpoints:
        _save(checkpoints, 1)
        assert checkpoints.newest() is None
    assert list(tmp_path.iterdir()) == []
    with _open(tmp_path) as checkpoints, _open(tmp_path, writes=False) as reader:
        _save(checkpoints, 1)
        reader.remove()
        assert reader.newest().number == 1


def test_a_full_disk_leaves_what_was_there(tmp_path, monkeypatch):
    def full(path, **arrays):
        path.write_bytes(b"half of it")
        raise OSError(errno.ENOSPC, "No space left on device")

    with _open(tmp_path) as checkpoints:
        _save(checkpoints, 1, 2)
        before = _names(tmp_path)
        monkeypatch.setattr(module.np, "savez", full)
        with pytest.raises(OSError, match="No space left"):
            _save(checkpoints, 3)
        assert _names(tmp_path) == before
        assert [path.name for path in checkpoints.directory.glob(".*")] == []
        assert checkpoints.newest().number == 2


def test_two_processes_do_not_share_it(tmp_path):
    """One that is killed while it writes frees the folder, and leaves what it had kept."""
    folder = tmp_path / "model.checkpoints"
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, folder],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )
    with holder:
        assert holder.stdout.readline() == "writing\n"
        with pytest.raises(ValueError, match=r"Another process trains .*Received: .*checkpoints$"):
            _open(tmp_path).__enter__()
        assert holder.poll() is None
        assert list(folder.glob(".step-00000002.*"))
        holder.send_signal(signal.SIGKILL)
    with _open(tmp_path) as checkpoints:
        assert not list(folder.glob(".*"))
        assert checkpoints.newest().state == {"epoch": 0}
        _save(checkpoints, 2)
    assert json.loads((folder / "run.json").read_text()) == {"seed": 0, "crops": [1.0, 0.8]}
