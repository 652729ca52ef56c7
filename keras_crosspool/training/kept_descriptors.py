"""Descriptors that a model directory keeps, so that the model can be updated without its images."""

import dataclasses
import pathlib
import zipfile
from typing import Annotated

import numpy as np

from keras_crosspool import records
from keras_crosspool.array_file import ArrayFile
from keras_crosspool.closed_form.branch import Branch
from keras_crosspool.closed_form.solved_basis import SolvedBasis
from keras_crosspool.models.directory import add_files, model_directory
from keras_crosspool.progress import track

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
    """

    names: tuple[str, ...]
    branches: tuple[str, ...]
    alpha: Annotated[float, records.Rule("above zero", lambda value: value > 0)]
    weights: tuple[float, ...]


def keep_descriptors(directory, basis):
    """Writes a basis into a model directory, whole or not at all.

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
            f"train it with keep_descriptors. Received: {directory}"
        )
    record = records.read_record(_Basis, path, "train again or restore it")
    try:
        with owned.find(_ROWS).open("rb") as file, np.load(file) as rows:
            labels, images, groups = rows["labels"], rows["images"], rows["groups"]
            mapped = {name: rows[f"rows of {name}"] for name in record.branches}
        branches = {
            name: Branch(
                np.load(owned.find(f"{_FOLDER}/{name}.npy"), mmap_mode="r"),
                mapped[name] if len(mapped[name]) else None,
                known_gram=np.load(owned.find(f"{_FOLDER}/{name}.gram.npy"), mmap_mode="r"),
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
        rows = branch.descriptors
        with ArrayFile(target / f"{name}.npy", "float32", rows.shape) as file:
            starts = range(0, len(rows), _ROWS_AT_ONCE)
            for start in track(starts, "keeping descriptors"):
                file.append(rows[start : start + _ROWS_AT_ONCE])
        np.save(target / f"{name}.gram.npy", branch.descriptor_gram)
    nothing = np.arange(0)
    mapped = {
        f"rows of {name}": nothing if branch.rows is None else branch.rows
        for name, branch in basis.branches.items()
    }
    np.savez(
        folder / _ROWS, labels=basis.labels, images=basis.images, groups=basis.groups, **mapped
    )
    record = _Basis(basis.names, tuple(basis.branches), basis.alpha, basis.weights)
    records.write_json(folder / _RECORD, dataclasses.asdict(record))
