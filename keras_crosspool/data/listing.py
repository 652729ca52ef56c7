"""Lists the images of a folder, and counts what else lies there, by the reason."""

import collections
import dataclasses
import os
import pathlib

from keras_crosspool.data.codecs import suffixes, why_not_read
from keras_crosspool.data.labels_file import LABELS_FILE
from keras_crosspool.names import readable

HIDDEN = "hidden"
_DEEPER = "in a folder below their class"
_BESIDE = "beside the class folders"
_LINKED = "a linked folder below its class"


@dataclasses.dataclass
class Listing:
    """The images below a split's folder, and how many other files there are.

    Attributes:
        folder: `pathlib.Path` of the split.
        tables: names of files that are ours: they are neither images nor counted.
        left_out: `collections.Counter`, the number of files by the reason why they are not used.
    """

    folder: pathlib.Path
    tables: tuple[str, ...] = (LABELS_FILE,)
    left_out: collections.Counter = dataclasses.field(default_factory=collections.Counter)

    def class_folders(self):
        """The folders in the split's folder, but for hidden ones.

        Returns:
            List of `pathlib.Path`, sorted by name.

        Raises:
            ValueError: if one is a link that leads nowhere, as to a disk that is not mounted.
        """
        folders, dangling = [], []
        for path in sorted(self.folder.iterdir()):
            if path.name[0] == ".":
                self.left_out[HIDDEN] += self._hidden_images(path)
            elif path.is_dir():
                folders.append(path)
            elif path.is_symlink() and not path.exists():
                dangling.append(readable(path))
            elif self._is_image(path.name):
                self.left_out[_BESIDE] += 1
        if dangling:
            raise ValueError(
                "Links in the split's folder lead nowhere, so classes may be missing: mount the "
                f"disk that they lead to, or remove them. Received: {', '.join(dangling[:5])}"
            )
        return folders

    def images_in(self, folder):
        """The paths of the images of a class, sorted; those in folders below are counted alone."""
        images = []
        for path in sorted(folder.iterdir()):
            if path.name[0] != "." and path.is_dir():
                if path.is_symlink():  # it may lead to a whole disk
                    self.left_out[_LINKED] += 1
                else:
                    self.left_out[_DEEPER] += sum(1 for _ in self._below(path))
            elif self._is_image(path.name):
                images.append(path)
        return images

    def images_below(self):
        """The paths of the images in the split's folder and the folders below, sorted."""
        return sorted(self._below(self.folder))

    def _below(self, folder):
        for parent, folders, files in os.walk(folder, onerror=_refuse):
            hidden = [name for name in folders if name[0] == "."]
            self.left_out[HIDDEN] += sum(
                self._hidden_images(pathlib.Path(parent, name)) for name in hidden
            )
            folders[:] = (name for name in folders if name[0] != ".")
            yield from (pathlib.Path(parent, name) for name in files if self._is_image(name))

    def _hidden_images(self, path):
        """How many images a hidden file or folder is, one at least: its name is what is hidden."""
        if path.is_symlink() or not path.is_dir():
            return 1
        below = (name for _, _, files in os.walk(path) for name in files)
        found = sum(pathlib.PurePath(name).suffix.lower() in suffixes() for name in below)
        return max(1, found)

    def _is_image(self, name):
        """Whether a name is that of an image that is read; it is counted otherwise."""
        if name in self.tables:
            return False
        if name[0] == ".":
            self.left_out[HIDDEN] += 1
            return False
        suffix = pathlib.PurePath(name).suffix.lower()
        if suffix not in suffixes():
            self.left_out[readable(why_not_read(suffix))] += 1
            return False
        return True


def _refuse(error):
    """Lets a folder that cannot be read stop the walk, which would pass over it."""
    raise error
