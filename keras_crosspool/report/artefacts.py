"""The exported files in a folder, by their records, each proven to be of one model."""

import pathlib

from keras_crosspool.exporting.artefact import read_artefact
from keras_crosspool.exporting.source import make_source

_SUFFIX = ".json"


def read_artefacts(folder, model, metadata):
    """Reads the records of the artefacts in a folder.

    Args:
        folder: path of a folder that export wrote to.
        model: `CrossPoolClassifier` that they must have been made from.
        metadata: its `ModelMetadata`.

    Returns:
        tuple of `Artefact`, by the names of their files.

    Raises:
        ValueError: if there are none, one is damaged, or one is of another model.
    """
    folder = pathlib.Path(folder)
    if not folder.is_dir():
        raise ValueError(f"There is no such folder of artefacts. Received: {folder}")
    files = [path.with_suffix("") for path in sorted(folder.glob(f"*{_SUFFIX}"))]
    found = tuple(read_artefact(path) for path in files if path.exists())
    if not found:
        raise ValueError(
            "The folder holds no artefact with its record beside it: write some by "
            f"`crosspool export`. Received: {folder}"
        )
    source = make_source(model, metadata)
    own = {source.sha256, source.embedder().sha256}
    others = [artefact.file for artefact in found if artefact.model.get("sha256") not in own]
    if others:
        raise ValueError(
            "An artefact was made from another model: export it again, or name another folder. "
            f"Received: {folder} with {', '.join(others)}"
        )
    return found
