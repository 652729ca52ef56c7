"""The content of an artefact that is a folder."""

import dataclasses
import pathlib

from keras_crosspool.files import to_disk, write_bytes


@dataclasses.dataclass(frozen=True)
class Folder:
    """The files of an artefact that is a folder.

    Args:
        files: dict, path within the folder with `/` in it, to the bytes of the file.

    Example:

    >>> Folder({"model.xml": b"<net/>", "assets/labels.txt": b"Orange"}).write("x.openvino")
    >>> Folder.read("x.openvino").files["assets/labels.txt"]
    b'Orange'
    """

    files: dict

    @classmethod
    def read(cls, path):
        """The files of a folder.

        Args:
            path: path of the folder.

        Returns:
            `Folder`, sorted by its names.
        """
        path = pathlib.Path(path)
        found = sorted(file for file in path.rglob("*") if file.is_file())
        return cls({file.relative_to(path).as_posix(): file.read_bytes() for file in found})

    def write(self, path):
        """Writes the files to a new folder.

        Args:
            path: path of the folder, which must not be there.
        """
        path = pathlib.Path(path)
        path.mkdir()
        for name, content in self.files.items():
            file = path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            write_bytes(file, content)


def write_content(content, path):
    """Writes the content of an artefact, and waits until it is on the disk.

    Args:
        content: bytes of a file, or a `Folder`.
        path: `pathlib.Path`, which must not be there.

    Raises:
        OSError: if it cannot be written; it names the file.
    """
    if isinstance(content, Folder):
        content.write(path)
    else:
        write_bytes(path, content)
    to_disk(path)
