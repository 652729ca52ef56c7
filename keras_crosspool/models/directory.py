"""Model directories: what training writes and everything else reads."""

import pathlib
import zipfile

import keras

from keras_crosspool.files import atomic_path
from keras_crosspool.models.metadata import ModelMetadata

MODEL_FILE = "model.keras"
METADATA_FILE = "model.json"


def save_model(directory, model, metadata, write_extras=None):
    """Writes a model directory, whole or not at all; an older one is replaced.

    Args:
        directory: path of the directory.
        model: `keras.Model`, RGB 0-255 in, logits out.
        metadata: `ModelMetadata`.
        write_extras: function of the directory's path that writes further files into it, such
            as plots. Defaults to none.

    Raises:
        ValueError: if `directory` exists and is no model directory.
    """
    directory = pathlib.Path(directory)
    check_replaceable(directory)
    with atomic_path(directory) as path:
        path.mkdir()
        # A model made anew has the same weights without the optimizer's.
        keras.Model(model.input, model.output, name=model.name).save(path / MODEL_FILE)
        (path / METADATA_FILE).write_text(metadata.to_json())
        if write_extras:
            write_extras(path)


def load_model(directory):
    """Loads a model directory.

    Args:
        directory: path of a directory that training wrote.

    Returns:
        The `keras.Model` (float `(batch, image_size, image_size, 3)` RGB 0-255 in, logits
        `(batch, classes)` out) and its `ModelMetadata`.

    Raises:
        ValueError: if the directory is no whole model directory.

    Example:

    >>> model, metadata = load_model("quickstart/model")  # doctest: +SKIP
    >>> metadata.class_names[int(model(pictures)[0].numpy().argmax())]  # doctest: +SKIP
    'Pink-Lady'
    """
    directory = pathlib.Path(directory)
    missing = [name for name in (MODEL_FILE, METADATA_FILE) if not (directory / name).is_file()]
    if missing:
        raise ValueError(
            f"This is no model directory: {' and '.join(missing)} missing. Expected one written by "
            f"keras_crosspool.train. Received: {directory}"
        )
    try:
        metadata = ModelMetadata.from_json((directory / METADATA_FILE).read_text())
    except ValueError as error:
        raise ValueError(
            f"{METADATA_FILE} is damaged: train again or restore it. {error} Received: {directory}"
        ) from error
    try:
        model = keras.models.load_model(directory / MODEL_FILE, compile=False)
    except (ValueError, OSError, KeyError, zipfile.BadZipFile) as error:
        raise ValueError(
            f"{MODEL_FILE} is damaged: train again or restore it ({error}). Received: {directory}"
        ) from error
    if model.output_shape[-1] != len(metadata.class_names):
        raise ValueError(
            f"{METADATA_FILE} does not belong to {MODEL_FILE}: it names "
            f"{len(metadata.class_names)} classes and the model has {model.output_shape[-1]} "
            f"logits; train again or restore it. Received: {directory}"
        )
    return model, metadata


def check_replaceable(directory):
    """Refuses to put a model directory where something else stands.

    Raises:
        ValueError: if `directory` exists, is not empty and is no model directory.
    """
    directory = pathlib.Path(directory)
    if directory.is_dir() and not any(directory.iterdir()):
        return
    known = all((directory / name).is_file() for name in (MODEL_FILE, METADATA_FILE))
    if directory.exists() and not known:
        raise ValueError(
            "The output exists and is no model directory, so it is not replaced: name another one. "
            f"Received: {directory}"
        )
