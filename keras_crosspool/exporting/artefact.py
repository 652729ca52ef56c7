"""The artefact record: what an exported file is, kept beside it as `x.<ext>.json`."""

import contextlib
import dataclasses
import hashlib
import json
import operator
import os
import pathlib

_MOST_BYTES = 64 << 20  # of a record
_MARKS = {"file", "format", "precision", "sha256"}  # fields that every version's record has


@dataclasses.dataclass(frozen=True)
class Artefact:
    """The record of one exported file or folder.

    Attributes:
        file: str, name of the file or folder, which stands beside the record.
        format: str, row of `keras_crosspool.exporting.formats`.
        precision: str.
        sha256: str, as `path_sha256` gives it.
        bytes: int, its size.
        inputs: tuple of dicts with `name`, `shape` (`None`: open), `dtype` and `range`.
        outputs: likewise.
        operators: dict, operator to how often the file uses it.
        model: dict with `name`, `class_names`, `image_size`, `task`, the `thresholds` of several
            labels, `preprocessing` and the `sha256` of the Keras model's layers and weights.
        parity: dict, the result of the comparison with the Keras model, or that it was off.
        versions: dict, tool to version.
        details: dict, what only this format has: opset, delegated nodes, calibration, profiles.
    """

    file: str
    format: str
    precision: str
    sha256: str
    bytes: int
    inputs: tuple
    outputs: tuple
    operators: dict
    model: dict
    parity: dict
    versions: dict
    details: dict

    def to_json(self):
        """The record as indented JSON text."""
        # NumPy's integers, which arguments may be, become Python's.
        return json.dumps(dataclasses.asdict(self), indent=2, default=operator.index)

    @classmethod
    def from_json(cls, text):
        """Reads what `to_json` wrote.

        Raises:
            ValueError: if the text is no JSON or its fields are others.
        """
        try:
            fields = json.loads(text)
        except RecursionError as error:
            raise ValueError("It is nested too deeply.") from error
        # A tuple stands as a list; these are checked here, since runners do without Keras.
        kinds = {f.name: list if f.type is tuple else f.type for f in dataclasses.fields(cls)}
        if not isinstance(fields, dict) or sorted(fields) != sorted(kinds):
            raise ValueError(f"Expected an object with {', '.join(kinds)}.")
        wrong = [name for name, kind in kinds.items() if type(fields[name]) is not kind]
        if wrong:
            expected = ", ".join(f"{name} as a {kinds[name].__name__}" for name in wrong)
            raise ValueError(f"Expected {expected}.")
        pair = {key: tuple(fields[key]) for key in ("inputs", "outputs")}
        return cls(**{**fields, **pair})


def sidecar_path(path):
    """Path of the record of an artefact."""
    path = pathlib.Path(path)
    return path.with_name(f"{path.name}.json")


@contextlib.contextmanager
def atomic_artefact(path, is_folder=False):
    """Gives a temporary path for an artefact, which takes its name in the end or not at all.

    Write its record last, by `write_record`: whoever sees the artefact finds its record.

    Args:
        path: path of the artefact.
        is_folder: bool, whether it is a folder. Defaults to `False`.

    Yields:
        `pathlib.Path` to write the artefact to.

    Raises:
        ValueError: if something that no export wrote would be replaced.
        OSError: if it cannot be written; it names the file that cannot.
    """
    check_replaceable(path, is_folder)
    from keras_crosspool.atomic_folder import atomic_folder  # lazy: runners do without
    from keras_crosspool.files import atomic_path

    with (atomic_folder if is_folder else atomic_path)(path) as artefact:
        yield artefact


def write_record(path, artefact):
    """Writes the record of an artefact, whole or not at all.

    Args:
        path: path of the artefact, beside which the record stands.
        artefact: `Artefact`.

    Raises:
        OSError: if it cannot be written; it names the record.
    """
    from keras_crosspool.files import atomic_path  # lazy: runners do without

    with atomic_path(sidecar_path(path)) as sidecar:
        sidecar.write_text(artefact.to_json())


def check_replaceable(path, is_folder=False):
    """Refuses to replace an artefact or a record that no export wrote.

    Args:
        path: path of the artefact.
        is_folder: bool, whether it is a folder. Defaults to `False`.

    Raises:
        ValueError: if there is such a folder, or such a file in the place of the record.
    """
    path = pathlib.Path(path)
    _check_replaceable_record(sidecar_path(path))
    if is_folder:
        _check_replaceable_folder(path)
    elif path.is_dir():
        raise ValueError(f"`output` is a directory; name a file in it. Received: {path}")


def _check_replaceable_folder(path):
    """Refuses to replace what is not, file by file, a folder that an export wrote."""
    if not os.path.lexists(path):
        return
    try:
        read_artefact(path)
    except ValueError as error:
        raise ValueError(
            "The output would replace what is not as an export wrote it: move that, or name "
            f"another output. {error}"
        ) from error


def _check_replaceable_record(sidecar):
    """Refuses to replace a file that is no record of ours, such as notes of the same name."""
    if not sidecar.exists():
        return
    try:
        fields = json.loads(sidecar.read_bytes()[:_MOST_BYTES])
    except (ValueError, RecursionError, OSError):
        fields = None
    if not isinstance(fields, dict) or not fields.keys() >= _MARKS:
        raise ValueError(
            "The record would replace a file that no export wrote: move that, or name another "
            f"output. Received: {sidecar}"
        )


def read_artefact(path):
    """Reads the record of an artefact and checks that it belongs to the file.

    Args:
        path: path of the artefact.

    Returns:
        `Artefact`.

    Raises:
        ValueError: if the file or its record is missing or damaged, or they do not belong together.
    """
    path, sidecar = pathlib.Path(path), sidecar_path(path)
    for needed, there in ((path, path.exists()), (sidecar, sidecar.is_file())):
        if not there:
            raise ValueError(
                f"An artefact is a file or a folder with its record {sidecar.name} beside it; "
                f"export it again. Received: no file {needed}"
            )
    try:
        if sidecar.stat().st_size > _MOST_BYTES:
            raise ValueError(f"It has more than {_MOST_BYTES} bytes.")
        artefact = Artefact.from_json(sidecar.read_bytes())
    except ValueError as error:
        raise ValueError(
            f"The record is damaged; export again. {error} Received: {sidecar}"
        ) from error
    digest = path_sha256(path)
    if digest != artefact.sha256:
        raise ValueError(
            f"The artefact is not the one that its record describes (sha256 {artefact.sha256}); "
            f"export it again. Received: {path} with sha256 {digest}"
        )
    return artefact


def path_sha256(path):
    """Hex sha256 of a file; of a folder that of a list of its files.

    The list is what `sha256sum` prints of the files' names within the folder, in order.

    Args:
        path: path of a file or a folder.

    Returns:
        str.
    """
    path = pathlib.Path(path)
    if not path.is_dir():
        return _file_sha256(path)
    lines = [f"{_file_sha256(path / name)}  {name}\n" for name in _names(path)]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def path_bytes(path):
    """The size of a file, or of all files in a folder, an int."""
    path = pathlib.Path(path)
    files = [path / name for name in _names(path)] if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files)


def _names(folder):
    """What is in a folder and its folders but folders, in order: a list of str."""
    files = (path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())
    return sorted(path.relative_to(folder).as_posix() for path in files)


def _file_sha256(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
