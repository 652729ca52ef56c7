"""atomic_path: the old file or the new one, never half of one, and nothing else replaced."""

import errno
import os
import pathlib
import re
import socket
import stat
import subprocess
import sys
import tempfile
import threading

import pytest

from keras_crosspool import files
from keras_crosspool.files import atomic_path, check_not_an_input, scratch_directory

ROOT = pathlib.Path(files.__file__).parents[1]


def _write(target, text="new"):
    with atomic_path(target) as path:
        path.write_text(text)


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


def test_a_long_name_is_written(tmp_path):
    target = tmp_path / f"{'ü' * 120}.json"
    _write(target)
    assert [path.name for path in tmp_path.iterdir()] == [target.name]


def test_a_directory_is_never_replaced(tmp_path, tried):
    target = tmp_path / "photos"
    target.mkdir()
    (target / "photo.jpg").write_text("precious")
    with pytest.raises(IsADirectoryError, match=r"not a directory\. Received: .*photos$") as error:
        _write(target)
    with pytest.raises(IsADirectoryError, match=r"not a directory\. Received: .*photos$"):
        _write_directory(target)
    assert (target / "photo.jpg").read_text() == "precious"
    assert os.listdir(tmp_path) == ["photos"]
    tried("files", "--json names a folder", error.value)


def test_a_directory_never_replaces_a_file(tmp_path):
    target = tmp_path / "notes"
    target.write_text("precious")
    with pytest.raises(NotADirectoryError):
        _write_directory(target)
    assert target.read_text() == "precious"
    assert os.listdir(tmp_path) == ["notes"]


class TestPermissions:
    def test_a_new_file_obeys_the_umask(self, tmp_path):
        before = os.umask(0o027)
        try:
            _write(tmp_path / "new.json")
        finally:
            os.umask(before)
        assert stat.S_IMODE((tmp_path / "new.json").stat().st_mode) == 0o640

    @pytest.mark.parametrize("mode", [0o600, 0o664, 0o755])
    def test_a_file_keeps_its_own(self, tmp_path, mode):
        target = tmp_path / "scores.json"
        target.write_text("old")
        target.chmod(mode)
        _write(target)
        assert (target.read_text(), stat.S_IMODE(target.stat().st_mode)) == ("new", mode)

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
    def test_a_file_keeps_its_owner(self, tmp_path):
        target = tmp_path / "scores.json"
        target.write_text("old")
        os.chown(target, 12345, 54321)
        _write(target)
        assert (target.stat().st_uid, target.stat().st_gid) == (12345, 54321)

    def test_a_protected_file_stays(self, tmp_path, tried):
        target = tmp_path / "scores.json"
        target.write_text("precious")
        target.chmod(0o444)
        with pytest.raises(
            PermissionError, match=r"may not be written.*Received: .*json$"
        ) as error:
            _write(target)
        assert target.read_text() == "precious"
        assert os.listdir(tmp_path) == ["scores.json"]
        tried("files", "--json names a file without write permission", error.value)


class TestLinks:
    def test_the_link_stays(self, tmp_path):
        (tmp_path / "disk").mkdir()
        target, link = tmp_path / "disk" / "scores.json", tmp_path / "latest.json"
        link.symlink_to("disk/scores.json")
        for text in ("where nothing is", "where a file is"):
            _write(link, text)
            assert link.is_symlink()
            assert target.read_text() == text
            assert os.listdir(tmp_path / "disk") == ["scores.json"]

    def test_a_link_below_nothing_creates_no_folder(self, tmp_path, tried):
        link = tmp_path / "scores.json"
        link.symlink_to(tmp_path / "unmounted" / "scores.json")
        with pytest.raises(FileNotFoundError, match=r"not there: create or mount it\.") as error:
            _write(link)
        assert os.listdir(tmp_path) == ["scores.json"]
        tried("files", "--json is a link into a disk that is not mounted", error.value)

    def test_a_link_to_itself(self, tmp_path):
        link = tmp_path / "scores.json"
        link.symlink_to("scores.json")
        with pytest.raises(OSError, match=r"symbolic links: '.*scores\.json'"):
            _write(link)

    def test_a_folder_is_made_where_its_link_leads(self, tmp_path):
        (tmp_path / "link").symlink_to(tmp_path / "folder")
        files.make_directory(tmp_path / "link")
        assert (tmp_path / "folder").is_dir()
        (tmp_path / "far").symlink_to(tmp_path / "unmounted" / "folder")
        with pytest.raises(FileNotFoundError, match=r"unmounted/folder'"):
            files.make_directory(tmp_path / "far")


class TestStreams:
    """Pipes and devices take the content and stay what they are."""

    def test_a_pipe_is_written_to(self, tmp_path, tried):
        pipe = tmp_path / "pipe.json"
        os.mkfifo(pipe)
        found = []
        reader = threading.Thread(target=lambda: found.append(pipe.read_text()))
        reader.start()
        with atomic_path(pipe) as path:
            assert path.suffix == ".json"
            assert path.parent != tmp_path
            path.write_text("all of it")
        reader.join()
        assert found == ["all of it"]
        assert stat.S_ISFIFO(pipe.stat().st_mode)
        assert os.listdir(tmp_path) == ["pipe.json"]
        tried("files", "--json names a pipe (FIFO)", "written to; the pipe stays")

    def test_a_pipe_gets_nothing_of_what_failed(self, tmp_path):
        """No reader is there: opening the pipe would wait for ever."""
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(RuntimeError):
            _write_half(tmp_path / "pipe", RuntimeError)

    def test_a_terminal_is_written_to(self):
        leader, follower = os.openpty()
        try:
            name = os.ttyname(follower)
            before = os.stat(name)
            _write(name, "scores")
            assert os.read(leader, 100) == b"scores"
            assert os.path.samestat(os.stat(name), before)
        finally:
            os.close(leader)
            os.close(follower)

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root makes devices")
    def test_a_device_is_written_to(self, tmp_path, tried):
        null, link = tmp_path / "null", tmp_path / "link.json"
        os.mknod(null, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
        link.symlink_to(null)
        for target in (null, link):
            _write(target)
        assert stat.S_ISCHR(null.stat().st_mode)
        assert null.stat().st_rdev == os.makedev(1, 3)
        assert sorted(os.listdir(tmp_path)) == ["link.json", "null"]
        tried("files", "--json names a device such as /dev/null", "written to; the device stays")

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root makes devices")
    def test_a_disk_is_refused(self, tmp_path, tried):
        disk = tmp_path / "disk"
        os.mknod(disk, 0o600 | stat.S_IFBLK, os.makedev(250, 250))  # of no driver
        with pytest.raises(OSError, match=r"neither a disk nor a socket.*Received: ") as error:
            _write(disk)
        assert stat.S_ISBLK(disk.stat().st_mode)
        tried("files", "--json names a disk (block device)", error.value)

    def test_a_socket_is_refused(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)  # names of sockets are short
        with socket.socket(socket.AF_UNIX) as server:
            server.bind("socket")
            with pytest.raises(OSError, match=r"neither a disk nor a socket.*Received: socket$"):
                _write("socket")
        assert stat.S_ISSOCK((tmp_path / "socket").stat().st_mode)

    @pytest.mark.parametrize("number", [1, 2])
    def test_own_output_goes_on_where_it_is(self, tmp_path, number):
        """`--json=/dev/stdout > file`: after what was printed, before what is printed later."""
        code = f"""
import importlib.util, sys, types
stream = {{1: sys.stdout, 2: sys.stderr}}[{number}]
package = types.ModuleType("keras_crosspool")  # without Keras
package.__path__ = [{str(ROOT / "keras_crosspool")!r}]
sys.modules["keras_crosspool"] = package
from keras_crosspool.files import atomic_path
print("before", file=stream)
with atomic_path(sys.argv[1]) as path:
    path.write_text("scores\\n")
print("after", file=stream)
"""
        for name in (f"/dev/fd/{number}", tmp_path / "log.txt"):
            with (tmp_path / "log.txt").open("w") as log:
                streams = {{1: "stdout", 2: "stderr"}[number]: log}
                subprocess.run([sys.executable, "-c", code, name], check=True, **streams)
            assert (tmp_path / "log.txt").read_text() == "before\nscores\nafter\n"
        assert os.listdir(tmp_path) == ["log.txt"]


class TestErrorsNameThePath:
    @pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO])
    def test_a_full_disk(self, tmp_path, number):
        reason = os.strerror(number)
        with pytest.raises(OSError, match=re.escape(reason)) as error:
            _write_half(tmp_path / "scores.json", OSError(number, reason))
        assert error.value.errno == number
        assert error.value.filename == str(tmp_path / "scores.json")
        assert os.listdir(tmp_path) == []

    def test_a_copy_names_what_was_written(self, tmp_path):
        """Python names the file that is copied first, also where the copy has no room."""

        def fail():
            with atomic_path(tmp_path / "copy") as path:
                raise OSError(errno.ENOSPC, "No space left", "model.onnx", None, str(path))

        with pytest.raises(OSError, match="No space left") as error:
            fail()
        assert error.value.filename == str(tmp_path / "copy")

    def test_an_error_about_another_file_is_left_alone(self, tmp_path):
        mine = FileNotFoundError(errno.ENOENT, "No such file", "photo.jpg")
        with pytest.raises(FileNotFoundError) as error:
            _write_half(tmp_path / "scores.json", mine)
        assert error.value is mine

    def test_the_disk_is_asked_before_the_name_is_given(self, tmp_path, monkeypatch):
        """Some file systems say only then that they are full."""
        target = tmp_path / "scores.json"
        target.write_text("old")

        def fail(number):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr(os, "fsync", fail)
        for write in (_write, lambda target: _write_directory(tmp_path / "model")):
            with pytest.raises(OSError, match=r"No space left on device: '.*(scores|model)"):
                write(target)
        assert target.read_text() == "old"
        assert os.listdir(tmp_path) == ["scores.json"]

    def test_below_a_file(self, tmp_path):
        (tmp_path / "file").write_text("")
        with pytest.raises(OSError, match=r"'.*file(/scores\.json)?'"):
            _write(tmp_path / "file" / "scores.json")

    def test_a_full_temporary_folder(self, tmp_path, monkeypatch):
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
        full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        with pytest.raises(OSError, match=r"by TMPDIR\. Received: /") as error, scratch_directory():
            raise full
        assert str(tmp_path) in str(error.value)
        other = FileNotFoundError(errno.ENOENT, "No such file", "photo.jpg")
        with pytest.raises(FileNotFoundError) as error, scratch_directory():
            raise other
        assert error.value is other
        assert os.listdir(tmp_path) == []


def test_an_output_over_a_file_that_is_read_is_refused(tmp_path):
    read, folder = tmp_path / "a.jpg", tmp_path / "model"
    read.write_text("image")
    folder.mkdir()
    (folder / "model.json").write_text("{}")
    (tmp_path / "link.jpg").symlink_to(read)
    for output in (read, tmp_path / "link.jpg", folder / "model.json"):
        with pytest.raises(ValueError, match=rf"file that is read.*Received: {output}"):
            check_not_an_input(output, [read], [folder])
    check_not_an_input(None, [read])
    check_not_an_input(tmp_path / "new.json", [read, tmp_path / "gone.jpg"], [folder])
