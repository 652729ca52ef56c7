"""atomic_path: the old file or the new one, never half of one."""

import os

import pytest

from keras_crosspool.files import atomic_path


def _write_half(target, error):
    with atomic_path(target) as path:
        path.write_text("ne")
        raise error


def _write_directory(target):
    with atomic_path(target) as path:
        path.mkdir()
        (path / "new").write_text("")


def test_writes_and_replaces(tmp_path):
    target = tmp_path / "deep" / "scores.json"
    for text in ("old", "new"):
        with atomic_path(target) as path:
            assert path.parent == target.parent
            assert path.suffix == ".json"
            assert not path.exists()
            path.write_text(text)
            assert not target.exists() or target.read_text() == "old"
        assert target.read_text() == text
    assert os.listdir(target.parent) == ["scores.json"]


def test_an_error_leaves_the_old_file(tmp_path):
    target = tmp_path / "scores.json"
    target.write_text("old")
    for error in (RuntimeError, KeyboardInterrupt):
        with pytest.raises(error):
            _write_half(target, error)
    assert target.read_text() == "old"
    assert os.listdir(tmp_path) == ["scores.json"]


def test_a_file_never_replaces_a_directory(tmp_path):
    target = tmp_path / "photos"
    target.mkdir()
    (target / "photo.jpg").write_text("precious")
    with (
        pytest.raises(IsADirectoryError, match=r"not a directory\. Received: .*photos$"),
        atomic_path(target) as path,
    ):
        path.write_text("scores")
    assert (target / "photo.jpg").read_text() == "precious"
    assert os.listdir(tmp_path) == ["photos"]


def test_a_directory_never_replaces_a_file(tmp_path):
    target = tmp_path / "notes"
    target.write_text("precious")
    with pytest.raises(NotADirectoryError):
        _write_directory(target)
    assert target.read_text() == "precious"
    assert os.listdir(tmp_path) == ["notes"]


def test_the_old_directory_comes_back_when_the_new_one_cannot_take_its_place(tmp_path, monkeypatch):
    target = tmp_path / "model"
    target.mkdir()
    (target / "old").write_text("")
    replace, calls = os.replace, []

    def fail_the_second_time(source, destination):
        calls.append(destination)
        if len(calls) == 2:
            raise OSError("disk full")
        replace(source, destination)

    monkeypatch.setattr(os, "replace", fail_the_second_time)
    with pytest.raises(OSError, match="disk full"):
        _write_directory(target)
    assert os.listdir(target) == ["old"]
    assert os.listdir(tmp_path) == ["model"]
