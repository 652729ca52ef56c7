"""Directories of ours and the user's files in them, whatever happens in between."""

import errno
import json
import os
import pathlib
import subprocess
import sys

import pytest

import keras_crosspool
from keras_crosspool import owned_directory as module
from keras_crosspool.owned_directory import MANIFEST, OwnedDirectory

ROOT = pathlib.Path(keras_crosspool.__file__).parents[1]
OLD = {"weights": "old", "plots/curve.png": "old", "history.json": "old"}
NEW = {"weights": "new", "plots/pairs.png": "new", "card.md": "new"}
MINE = {"notes.txt": "mine", "plots/mine.png": "mine", "exports/model.tflite": "mine"}


def _write(folder, files):
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def _replace(path, files, **kwargs):
    with OwnedDirectory(path, **kwargs).replaced() as folder:
        _write(folder, files)


def _contents(path):
    """All files but the manifest, hidden ones too."""
    files = (file for file in path.rglob("*") if file.is_file() and file.name != MANIFEST)
    return {file.relative_to(path).as_posix(): file.read_text() for file in files}


@pytest.fixture
def path(tmp_path):
    _replace(tmp_path / "model", OLD)
    _write(tmp_path / "model", MINE)
    return tmp_path / "model"


def test_a_new_one(tmp_path):
    _replace(tmp_path / "deep" / "model", OLD)
    assert _contents(tmp_path / "deep" / "model") == OLD
    assert os.listdir(tmp_path / "deep") == ["model"]
    names = json.loads((tmp_path / "deep" / "model" / MANIFEST).read_text())
    assert names == {"files": sorted(OLD)}


def test_the_users_files_survive_replacing(path):
    _replace(path, NEW)
    assert _contents(path) == NEW | MINE
    assert OwnedDirectory(path).files() == tuple(sorted(NEW))
    assert os.listdir(path.parent) == ["model"]


def test_folders_that_nothing_is_left_in_go(tmp_path):
    _replace(tmp_path / "model", OLD)
    _replace(tmp_path / "model", {"weights": "new"})
    assert sorted(os.listdir(tmp_path / "model")) == [MANIFEST, "weights"]


def test_files_are_added(path):
    with OwnedDirectory(path).added() as folder:
        _write(folder, {"card.md": "added", "history.json": "added"})
    assert _contents(path) == OLD | {"card.md": "added", "history.json": "added"} | MINE
    assert OwnedDirectory(path).files() == tuple(sorted({*OLD, "card.md"}))
    _replace(path, {"weights": "new"})
    assert _contents(path) == {"weights": "new"} | MINE


def test_a_users_file_that_is_in_the_way_is_kept(path, monkeypatch, tried):
    warnings = []
    monkeypatch.setattr(module.logging, "warning", lambda text, *args: warnings.append(text % args))
    for number in (1, 2):
        (path / "notes.txt").write_text(f"mine {number}")
        _replace(path, {"weights": "new", "notes.txt": "ours"})
        assert (path / "notes.txt").read_text() == "ours"
        assert (path / f"notes.txt.~{number}~").read_text() == f"mine {number}"
        _replace(path, {"weights": "new"})
    assert len(warnings) == 2
    assert warnings[0].endswith("notes.txt was not of this program: it is kept as "
                                f"{path}/notes.txt.~1~")  # fmt: skip
    tried("files", "a user's file in a model directory has the name of a new one", warnings[0])


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_an_error_changes_nothing(path, error):
    def fail():
        with OwnedDirectory(path).replaced() as folder:
            _write(folder, NEW)
            raise error

    with pytest.raises(error):
        fail()
    assert _contents(path) == OLD | MINE


def test_a_full_disk_names_the_file_that_was_written_last(path):
    def fail():
        with OwnedDirectory(path).replaced() as folder:
            _write(folder, NEW)
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OSError, match=r"No space left on device") as error:
        fail()
    assert error.value.filename == str(path / "card.md")
    assert _contents(path) == OLD | MINE


def test_a_kill_at_any_moment_leaves_the_old_or_the_new(path):
    """Processes that end themselves at each system call that changes what is there."""
    code = """
import os, pathlib, sys
from keras_crosspool.owned_directory import OwnedDirectory
left = int(sys.argv[2])
def counted(name, function):
    def call(*arguments, **kwargs):
        global left
        if left == 0:
            os.kill(os.getpid(), 9)
        left -= 1
        return function(*arguments, **kwargs)
    setattr(os, name, call)
for name in ("rename", "replace", "unlink", "rmdir", "mkdir"):
    counted(name, getattr(os, name))
with OwnedDirectory(sys.argv[1]).replaced() as folder:
    for name in ("weights", "plots/pairs.png", "card.md"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("new")
"""
    stub = (  # without Keras, which takes seconds to start
        "import sys, types\n"
        "package = types.ModuleType('keras_crosspool')\n"
        f"package.__path__ = [{str(ROOT / 'keras_crosspool')!r}]\n"
        "sys.modules['keras_crosspool'] = package\n"
    )
    seen = set()
    for calls in range(100):
        copy = path.with_name(f"copy-{calls}")
        _replace(copy, OLD)
        _write(copy, MINE)
        done = subprocess.run([sys.executable, "-c", stub + code, copy, str(calls)], check=False)
        directory = OwnedDirectory(copy)
        found = {name: directory.find(name) for name in OLD | NEW}
        texts = {name: file.read_text() for name, file in found.items() if file.is_file()}
        whole = "new" if texts["weights"] == "new" else "old"
        expected = {"new": NEW, "old": OLD}[whole]
        assert {name: texts[name] for name in expected} == expected, calls
        mine = {name: text for name, text in _contents(copy).items() if name in MINE}
        assert mine == MINE, calls
        seen.add((done.returncode, whole))
        _replace(copy, {"weights": "again"})  # the next run finishes what was begun, and its own
        assert _contents(copy) == {"weights": "again"} | MINE, calls
        assert sorted(p.name for p in copy.iterdir() if p.name.startswith(".")) == []
        if done.returncode == 0:
            break
    assert seen == {(-9, "old"), (-9, "new"), (0, "new")}
    assert calls > 8


def test_a_link_and_a_mounted_folder_stay(path, tmp_path):
    """A disk mounted as the directory can neither be renamed nor removed; nor need its parent."""
    inode = path.stat().st_ino
    (tmp_path / "latest").symlink_to(path)
    _replace(tmp_path / "latest", NEW)
    assert (tmp_path / "latest").is_symlink()
    assert path.stat().st_ino == inode
    assert _contents(path) == NEW | MINE


def test_removing(path, tmp_path):
    OwnedDirectory(path).remove()
    assert _contents(path) == MINE
    _replace(tmp_path / "other", OLD)
    (tmp_path / "link").symlink_to(tmp_path / "other")
    OwnedDirectory(tmp_path / "link").remove()
    assert list((tmp_path / "other").iterdir()) == []
    _replace(tmp_path / "other", OLD)
    OwnedDirectory(tmp_path / "other").remove()
    assert not (tmp_path / "other").exists()


def test_one_without_a_manifest(path):
    (path / MANIFEST).unlink()
    _replace(path, NEW, known=("weights", "history.json", "never written"))
    assert _contents(path) == NEW | MINE | {"plots/curve.png": "old"}


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"files": 3}', '{"files": [3]}', '{"files": ["../photo.jpg"]}',
     '{"files": ["/photo.jpg"]}', '{"files": ["plots/../../photo.jpg"]}', '{"files": [""]}',
     '{"files": ["."]}', '{"files": ["a\\u0000b"]}', '{"files": {"notes.txt": 1}}'],
)  # fmt: skip
def test_a_damaged_manifest_deletes_nothing(path, text, tried):
    (path.parent / "photo.jpg").write_text("mine")
    (path / MANIFEST).write_text(text)
    for use in (OwnedDirectory(path).check, OwnedDirectory(path).remove):
        with pytest.raises(ValueError, match=r"manifest\.json is damaged: .*Received: ") as error:
            use()
    with pytest.raises(ValueError, match=r"manifest\.json is damaged"):
        _replace(path, NEW)
    assert _contents(path) == OLD | MINE
    assert (path.parent / "photo.jpg").read_text() == "mine"
    if text == '{"files": ["../photo.jpg"]}':
        tried("files", "a manifest that names a file of another folder", error.value)


def test_a_manifest_of_another_program_is_the_users(path):
    (path / "manifest.json").write_text('{"files": {"notes.txt": "notes.123.txt"}, "name": "app"}')
    before = _contents(path)
    _replace(path, NEW)
    assert _contents(path) == NEW | MINE | {"manifest.json": before["manifest.json"]}


def test_what_cannot_be_written_is_found_before_the_work(path, tmp_path):
    before = _contents(path)
    OwnedDirectory(path).check()
    OwnedDirectory(tmp_path / "deep" / "new").check()
    assert os.listdir(tmp_path / "deep") == []
    (path / "weights").chmod(0o444)
    with pytest.raises(PermissionError, match=r"may not be written.*weights$"):
        OwnedDirectory(path).check()
    with pytest.raises(OSError, match=r"/proc/"):
        OwnedDirectory("/proc/model").check()
    with pytest.raises(OSError, match=r"weights"):
        OwnedDirectory(path / "weights" / "model").check()
    assert _contents(path) == before
