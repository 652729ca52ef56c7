"""Model directories: what training writes and everything else reads."""

import pathlib
import zipfile

import keras

from keras_crosspool.files import atomic_path
from keras_crosspool.models.metadata import ModelMetadata
from keras_crosspool.records import read_record
from keras_crosspool.text import shortened

MODEL_FILE = "model.keras"
METADATA_FILE = "model.json"
_CONFIG_FILE = "config.json"  # in the archive that MODEL_FILE is
_MOST_CONFIG = 64 << 20  # bytes
_EXPANSION = 100  # weights hardly shrink, so an archive that grows by more is none of Keras'
_REASON = 300  # characters of what Keras says


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
    metadata = read_record(ModelMetadata, directory / METADATA_FILE, "train again or restore it")
    model = _read_model(directory / MODEL_FILE)
    _check_match(model, metadata, directory)
    return model, metadata


def _read_model(path):
    try:
        _check_archive(path)
        model = keras.models.load_model(path, compile=False)
        if not len(model.inputs) == len(model.outputs) == 1:
            raise ValueError("it has not one input and one output")
    # A damaged config reaches the constructors of all layers, each of which fails in its own way.
    except Exception as error:
        raise ValueError(
            f"{MODEL_FILE} is damaged, or not of this project: train again or restore it "
            f"({type(error).__name__}: {shortened(error, _REASON)}). Received: {path.parent}"
        ) from error
    return model


def _check_archive(path):
    """Refuses a file with a damaged part, before Keras builds anything from it."""
    with zipfile.ZipFile(path) as archive:
        size = sum(part.file_size for part in archive.infolist())
        if size > _EXPANSION * path.stat().st_size:
            raise ValueError(f"it unpacks to {size} bytes")
        if archive.getinfo(_CONFIG_FILE).file_size > _MOST_CONFIG:
            raise ValueError(f"its {_CONFIG_FILE} has more than {_MOST_CONFIG} bytes")
        damaged = archive.testzip()
    if damaged:
        raise ValueError(f"the checksum of {damaged} differs")


def _check_match(model, metadata, directory):
    """Refuses metadata of another model."""
    classes, side = len(metadata.class_names), metadata.image_size
    logits, shape = model.output_shape[-1], tuple(model.input_shape[1:])
    if (logits, shape) != (classes, (side, side, 3)):
        raise ValueError(
            f"{METADATA_FILE} does not belong to {MODEL_FILE}: it names {classes} classes and "
            f"pictures of {side} px, and the model has {logits} logits and takes pictures of "
            f"{' x '.join(map(str, shape))}; train again or restore it. Received: {directory}"
        )
    if metadata.thresholds is not None and len(metadata.thresholds) != classes:
        raise ValueError(
            f"{METADATA_FILE} is damaged: it has {len(metadata.thresholds)} thresholds for "
            f"{classes} classes; train again or restore it. Received: {directory}"
        )


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
