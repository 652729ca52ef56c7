"""Only regular files are read: nothing waits for ever, nothing fills the memory."""

import os
import socket

import pytest
from PIL import Image

from keras_crosspool.data import ImageError, open_split, read_image, read_images
from keras_crosspool.data.reading import read_file


@pytest.fixture
def odd_files(tmp_path):
    """Files that cannot be used as images, by what they are, beside a whole one."""
    folder = tmp_path / "data" / "train" / "pear"
    folder.mkdir(parents=True)
    Image.new("RGB", (20, 20), (9, 9, 9)).save(folder / "whole.png")
    files = {
        name: folder / f"{name}.jpg"
        for name in ("pipe", "socket", "device", "dangling", "loop", "huge")
    }
    os.mkfifo(files["pipe"])
    with socket.socket(socket.AF_UNIX) as unix:
        unix.bind(str(files["socket"]))
    files["device"].symlink_to("/dev/zero")
    files["dangling"].symlink_to(folder / "nowhere.jpg")
    files["loop"].symlink_to(files["loop"])
    files["huge"].touch()
    os.truncate(files["huge"], 10**10)  # takes no room on the disk
    return files


REASONS = {
    "pipe": ("not a regular file", r"regular file.*pipe\.jpg, which is a pipe \(FIFO\)$"),
    "socket": ("not a regular file", r"regular file.*socket\.jpg, which is a socket$"),
    "device": ("not a regular file", r"regular file.*device\.jpg, which is a device$"),
    "dangling": ("link to nothing", r"cannot be read \(No such file.*Received: .*dangling\.jpg$"),
    "loop": ("unreadable", r"cannot be read \(.*symbolic links.*Received: .*loop\.jpg$"),
    "huge": ("too large", r"10000 MB, more than the 1987 MB.*`max_megapixels`.*huge\.jpg$"),
}
TRIED = {
    "pipe": "a FIFO named x.jpg",
    "socket": "a socket named x.jpg",
    "device": "a link to /dev/zero named x.jpg",
    "dangling": "a link to nothing named x.jpg",
    "loop": "a link to itself named x.jpg",
    "huge": "a file of 10 GB named x.jpg",
}


@pytest.mark.parametrize("kind", REASONS)
def test_what_is_no_regular_file_is_refused_at_once(odd_files, kind, tried):
    reason, message = REASONS[kind]
    with pytest.raises(ImageError, match=message) as error:
        read_image(odd_files[kind], 16)
    assert error.value.reason == reason
    tried("images", TRIED[kind], error.value)


@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_a_file_that_becomes_another_is_refused_once_open(odd_files, kind, tmp_path, monkeypatch):
    (tmp_path / "plain").write_bytes(b"x")
    before = os.stat(tmp_path / "plain")
    monkeypatch.setattr(os, "stat", lambda path: before)
    with pytest.raises(ImageError, match="regular file"):
        read_file(odd_files[kind])


def test_a_split_names_all_of_them_and_leaves_them_out(odd_files, tmp_path, tried):
    with pytest.raises(ValueError, match=r"6 of 7 images .*`skip_broken`") as error:
        open_split(tmp_path / "data", "train")
    for path in odd_files.values():
        assert str(error.value).count(str(path)) == 1
    split = open_split(tmp_path / "data", "train", skip_broken=True)
    assert [os.path.basename(name) for name in split.names] == ["whole.png"]
    assert split.left_out == {
        "link to nothing": 1,
        "not a regular file": 3,
        "too large": 1,
        "unreadable": 1,
    }
    tried("images", "pipes, devices, dangling links with --skip_broken", split.summary())


def test_images_of_a_command_line_are_left_out_too(odd_files):
    whole = odd_files["pipe"].with_name("whole.png")
    with pytest.raises(ImageError, match="pipe"):
        read_images([whole, odd_files["pipe"]], 16)
    (path, image), again = read_images([whole, odd_files["pipe"], whole], 16, skip_broken=True)
    assert path == again[0] == whole
    assert (image == 9).all()
    with pytest.raises(ImageError, match="pipe"):
        read_images([odd_files["pipe"]], 16, skip_broken=True)
    with pytest.raises(FileNotFoundError):  # a typing error is no broken image
        read_images([whole, whole.with_name("typo.png")], 16, skip_broken=True)
