"""Directories of which some files are ours: a manifest says which; all others are the user's."""

import contextlib
import dataclasses
import json
import os
import pathlib
from typing import Annotated

from absl import logging

from keras_crosspool.files import (
    atomic_path,
    check_writable,
    make_directory,
    naming,
    remove_if_empty,
    replace_file,
)
from keras_crosspool.partials import is_partial, partial_path
from keras_crosspool.records import Rule, read_record

MANIFEST = "keras_crosspool.manifest.json"  # a name that no other program gives
_UPDATE = ".keras_crosspool.update"  # new files, complete and not yet all in place


class OwnedDirectory:
    """A directory with files of ours, which are replaced, added to and removed as one.

    The names of our files stand in a manifest. Whatever else is in the directory is never
    changed: where a new file of ours needs the name of such a file, that is renamed and a warning
    logged.

    Several files cannot be renamed at once. So new ones are first written to a folder within, and
    that is renamed when it is complete: from then on they count, and are moved into place. A
    process that is killed before has changed nothing; where one is killed while it moves them,
    `find` gives the new files all the same, and the next process that writes moves the rest. A
    directory that is not there yet is written beside and renamed. A link to a directory, or a disk
    mounted as one, is kept.

    Args:
        path: path of the directory, which need not be there.
        known: names of the files that are ours where there is no manifest, for directories that
            older versions wrote. Defaults to none.

    Example:

    >>> directory = OwnedDirectory("model")
    >>> with directory.replaced() as folder:
    ...     _ = (folder / "weights").write_text("new")
    >>> directory.files(), directory.find("weights").read_text()
    (('weights',), 'new')
    """

    def __init__(self, path, known=()):
        self.path = pathlib.Path(path)
        self._known = tuple(known)

    def files(self):
        """Names of the files that are ours, by the manifest; tuple of str, with `/` in them.

        Raises:
            ValueError: if the manifest is damaged.
        """
        names = _read_manifest(self.path / MANIFEST)
        if names is None:
            return tuple(name for name in self._known if (self.path / name).is_file())
        return names

    def find(self, name):
        """The path at which a file of ours is read, which need not be there."""
        updated = self.path / _UPDATE / name
        return updated if updated.is_file() else self.path / name

    def is_empty(self):
        """Whether nothing is in it but what processes that were killed left."""
        return all(map(is_partial, self.path.iterdir()))

    def check(self):
        """Finds out, before any work, whether our files can be written.

        Raises:
            OSError: if they cannot.
            ValueError: if the manifest is damaged.
        """
        for name in self.files():
            check_writable(self.path / name)
        make_directory(self.path.parent)
        real = pathlib.Path(os.path.realpath(self.path))
        probe = partial_path(real / MANIFEST if real.is_dir() else real)
        with naming(self.path, probe):
            probe.mkdir()
            probe.rmdir()

    def replaced(self):
        """Gives an empty folder; what is written there replaces all files of ours on success."""
        return self._updated(keep=False)

    def added(self):
        """Gives an empty folder; what is written there is added to our files on success."""
        return self._updated(keep=True)

    def remove(self):
        """Removes our files, and the directory if nothing else is in it and it is no link."""
        self._finish()
        for name in (*self.files(), MANIFEST):
            _remove_file(self.path, name)
        if not self.path.is_symlink():
            remove_if_empty(self.path)

    @contextlib.contextmanager
    def _updated(self, keep):
        there = self.path.is_dir()
        if there:
            self._finish()
        ours = self.files()  # before the work: it may be damaged
        target = self.path / _UPDATE if there else self.path
        with naming(self.path, target), atomic_path(target) as folder:
            folder.mkdir()
            yield folder
            names = sorted({*_names(folder), *(ours if keep else ())})
            (folder / MANIFEST).write_text(_Manifest(tuple(names)).to_json())
        if there:
            self._finish()

    def _finish(self):
        """Moves the files of a complete update into place, as far as that was not done."""
        update = self.path / _UPDATE
        names = _read_manifest(update / MANIFEST)
        if names is not None:
            ours = self.files()
            for name in _names(update):
                self._put(update / name, name, name in ours)
            for name in set(ours) - set(names):
                _remove_file(self.path, name)
            # Last, since the older one says which files are ours.
            replace_file(update / MANIFEST, self.path / MANIFEST)
        if update.is_dir():
            for folder in sorted(update.rglob("*"), reverse=True):
                remove_if_empty(folder)
            remove_if_empty(update)

    def _put(self, source, name, ours):
        target = self.path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if os.path.lexists(target) and not ours:
            kept = free_name(target)
            target.rename(kept)
            logging.warning("%s was not of this program: it is kept as %s", target, kept)
        replace_file(source, target)


def _names(folder):
    """The files in a folder and its folders but the manifest, in order; tuple of str."""
    files = (path for path in folder.rglob("*") if path.is_file())
    names = sorted(path.relative_to(folder).as_posix() for path in files)
    return tuple(name for name in names if name != MANIFEST)


def _is_inside(name):
    path = pathlib.PurePosixPath(name)
    return path.parts and not path.is_absolute() and ".." not in path.parts and "\0" not in name


@dataclasses.dataclass(frozen=True)
class _Manifest:
    """Which files of a directory are ours."""

    files: tuple[Annotated[str, Rule("the name of a file in this folder", _is_inside)], ...]

    def to_json(self):
        return json.dumps(dataclasses.asdict(self), indent=2)


def _read_manifest(path):
    """The names in a manifest, `None` without one."""
    if not path.is_file():
        return None
    advice = "it names the files that may be replaced: restore it or name another directory"
    return read_record(_Manifest, path, advice).files


def _remove_file(directory, name):
    """Removes a file, and the folders between it and the directory that nothing is left in."""
    (directory / name).unlink(missing_ok=True)
    for parent in list(pathlib.PurePosixPath(name).parents)[:-1]:
        remove_if_empty(directory / parent)


def free_name(path):
    """The name that a file or folder gets which stands where one of ours belongs.

    It is the first of `path.~1~`, `path.~2~`, ... that is free, as `cp --backup=numbered` names.
    """
    number = 1
    while os.path.lexists(kept := path.with_name(f"{path.name}.~{number}~")):
        number += 1
    return kept
