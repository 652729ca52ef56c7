"""Descriptors that a model directory keeps, so that the model can be updated without its images."""

import dataclasses
import pathlib
import zipfile
from typing import Annotated

import numpy as np

from keras_crosspool import records
from keras_crosspool.array_file import ArrayFile, linked
from keras_crosspool.closed_form.branch import Branch
from keras_crosspool.closed_form.solved_basis import SolvedBasis
from keras_crosspool.models.directory import add_files, model_directory
from keras_crosspool.progress import track
from keras_crosspool.stacked_rows import StackedRows, parts_of

_FOLDER = "descriptors"
_RECORD = f"{_FOLDER}/basis.json"
_ROWS = f"{_FOLDER}/rows.npz"
_ROWS_AT_ONCE = 1024


@dataclasses.dataclass(frozen=True)
class _Basis:
    """What a `SolvedBasis` is beside its arrays.

    Attributes:
        names: tuple of str, of the images.
        branches: tuple of str, the names of the branches, in the model's order.
        alpha: float.
        weights: tuple of float.
        parts: tuple of int, the number of files that the descriptors of each branch lie in: each
            update adds one. Defaults to one a branch.
    """

    names: tuple[str, ...]
    branches: tuple[str, ...]
    alpha: Annotated[float, records.Rule("above zero", lambda value: value > 0)]
    weights: tuple[float, ...]
    parts: tuple[int, ...] = ()


def keep_descriptors(directory, basis):
    """Writes a basis into a model directory, whole or not at all.

    Descriptors that are mapped from another model directory are linked to where the disk can.

    Args:
        directory: path of the model directory.
        basis: `SolvedBasis`.

    Raises:
        ValueError: if its descriptors are random projections of longer ones.
        OSError: if it cannot be written.
    """
    if any(branch.projection is not None for branch in basis.branches.values()):
        raise ValueError(
            "The descriptors were projected to fit the memory, which an update cannot repeat: take "
            "solver_form=gram. Received: projected descriptors"
        )
    add_files(directory, lambda folder: _write(folder, basis))


def read_kept_descriptors(directory):
    """Reads what `keep_descriptors` wrote; the descriptors are mapped, not loaded.

    Args:
        directory: path of a model directory.

    Returns:
        `SolvedBasis`.

    Raises:
        ValueError: if the directory keeps none, or they are damaged.
    """
    owned = model_directory(pathlib.Path(directory))
    path = owned.find(_RECORD)
    if not path.is_file():
        raise ValueError(
            "The model directory keeps no descriptors, so it cannot be updated without its images: "
            "train it with keep_descriptors, without fine-tuning or compression. "
            f"Received: {directory}"
        )
    record = records.read_record(_Basis, path, "train again or restore it")
    try:
        with owned.find(_ROWS).open("rb") as file, np.load(file) as rows:
            labels, images, groups = rows["labels"], rows["images"], rows["groups"]
            mapped = {name: rows[f"rows of {name}"] for name in record.branches}
        counts = dict(zip(record.branches, record.parts or [1] * len(mapped), strict=True))
        branches = {
            name: Branch(
                StackedRows(tuple(map(_mapped, map(owned.find, _part_names(name, counts[name]))))),
                mapped[name] if len(mapped[name]) else None,
                known_gram=_mapped(owned.find(f"{_FOLDER}/{name}.gram.npy")),
            )
            for name in record.branches
        }
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(
            f"The descriptors of the model are damaged: train again or restore them ({error}). "
            f"Received: {directory}"
        ) from error
    return SolvedBasis(branches, labels, images, groups, record.names, record.alpha, record.weights)


def _write(folder, basis):
    target = folder / _FOLDER
    target.mkdir()
    for name, branch in basis.branches.items():
        parts = parts_of(branch.descriptors)
        for part, file in zip(parts, _part_names(name, len(parts)), strict=True):
            _write_part(part, folder / file)
        np.save(target / f"{name}.gram.npy", branch.descriptor_gram)
    nothing = np.arange(0)
    mapped = {
        f"rows of {name}": nothing if branch.rows is None else branch.rows
        for name, branch in basis.branches.items()
    }
    np.savez(
        folder / _ROWS, labels=basis.labels, images=basis.images, groups=basis.groups, **mapped
    )
    parts = tuple(len(parts_of(branch.descriptors)) for branch in basis.branches.values())
    record = _Basis(basis.names, tuple(basis.branches), basis.alpha, basis.weights, parts)
    records.write_json(folder / _RECORD, dataclasses.asdict(record))


def _part_names(branch, count):
    """The names of the files that the descriptors of a branch lie in."""
    return [f"{_FOLDER}/{branch}.npy", *(f"{_FOLDER}/{branch}.{n}.npy" for n in range(1, count))]


def _mapped(path):
    return np.load(path, mmap_mode="r")


def _write_part(rows, path):
    if linked(rows, path):
        return
    with ArrayFile(path, "float32", rows.shape) as file:
        for start in track(range(0, len(rows), _ROWS_AT_ONCE), "keeping descriptors"):
            file.append(rows[start : start + _ROWS_AT_ONCE])
