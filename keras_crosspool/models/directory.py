"""Model directories: what training writes and everything else reads."""

import pathlib
import zipfile

import keras

from keras_crosspool.data.layout import ALL, has_splits
from keras_crosspool.data.splits_file import SPLITS_FILE, read_splits, write_splits
from keras_crosspool.models.classifier import CrossPoolClassifier
from keras_crosspool.models.limited_dense import LimitedDense
from keras_crosspool.models.metadata import ModelMetadata
from keras_crosspool.models.version_0_1 import from_version_0_1
from keras_crosspool.owned_directory import OwnedDirectory
from keras_crosspool.records import read_record
from keras_crosspool.text import shortened

MODEL_FILE = "model.keras"
METADATA_FILE = "model.json"
HISTORY_FILE = "history.json"
# What version 0.1 wrote, without a manifest.
_PLOTS = ("training_curve", "confusion_matrix", "confused_pairs", "average_precision")
_WITHOUT_MANIFEST = (
    MODEL_FILE,
    METADATA_FILE,
    "README.md",
    HISTORY_FILE,
    *(f"plots/{name}.png" for name in _PLOTS),
)
_CONFIG_FILE = "config.json"  # in the archive that MODEL_FILE is
_MOST_CONFIG = 64 << 20  # bytes
_EXPANSION = 100  # weights hardly shrink, so an archive that grows by more is none of Keras'
_REASON = 300  # characters of what Keras says
_MOST_NAMES = 80  # characters of class names in a message


def save_model(directory, model, metadata, splits=None):
    """Writes a model directory, whole or not at all; the files of an older one are replaced.

    Other files in the directory stay, such as notes or exported models. `add_files` adds plots of
    the model and the like.

    Args:
        directory: path of the directory.
        model: `CrossPoolClassifier`.
        metadata: `ModelMetadata`; its class names, task and thresholds are those of the model that
            is written.
        splits: mapping from file to split, of a model that was trained on a folder without
            splits. Defaults to none.

    Raises:
        ValueError: if `directory` exists and is no model directory.
        OSError: if it cannot be written.
    """
    check_replaceable(directory)
    with model_directory(directory).replaced() as path:
        kept = model.to_keep(metadata.class_names, metadata.task, metadata.thresholds)
        kept.save(path / MODEL_FILE)
        (path / METADATA_FILE).write_text(metadata.to_json())
        if splits:
            write_splits(path / SPLITS_FILE, splits)


def add_files(directory, write):
    """Adds files to a model directory, all or none, such as plots of the model in it.

    They belong to that model: when another one is saved there, they are removed.

    Args:
        directory: path of a model directory.
        write: function of a folder's path that writes them into it.

    Raises:
        OSError: if they cannot be written.
    """
    with model_directory(directory).added() as path:
        write(path)


def own_splits(directory):
    """The path of the table that says which images a model was trained on and validated with.

    Args:
        directory: path of a model directory.

    Returns:
        `pathlib.Path`, or `None` for a model whose data has splits.
    """
    owned = model_directory(directory)
    return owned.find(SPLITS_FILE) if SPLITS_FILE in owned.files() else None


def unsplit_part(directory, metadata, data, splits=None):
    """What to measure a model on where the data has no splits to name.

    Args:
        directory: path of the model directory.
        metadata: its `ModelMetadata`.
        data: path of the data.
        splits: path of the user's own table of splits. Defaults to none.

    Returns:
        str: what the model was not trained on of its own folder, wherever that is now, or all of
        another folder; `None` for data with splits.

    Raises:
        ValueError: if the model was trained on the whole of that folder.
    """
    if has_splits(data):
        return None
    if splits:
        return "val"
    table = own_splits(directory)
    # By its files, since a folder may have moved: it must not be scored on what it was trained on.
    known = table and any(pathlib.Path(data, name).exists() for name in read_splits(table))
    return metadata.default_split("val") if known else ALL


def model_directory(directory):
    """The `OwnedDirectory` of a model directory."""
    return OwnedDirectory(directory, _WITHOUT_MANIFEST)


def load_model(directory):
    """Loads a model directory.

    Args:
        directory: path of a directory that training wrote.

    Returns:
        The `CrossPoolClassifier` (float `(batch, image_size, image_size, 3)` RGB 0-255 in, logits
        `(batch, classes)` out), compiled, and its `ModelMetadata`.

    Raises:
        ValueError: if the directory is no whole model directory.

    Example:

    >>> model, metadata = load_model("quickstart/model")  # doctest: +SKIP
    >>> metadata.class_names[int(model(images)[0].numpy().argmax())]  # doctest: +SKIP
    'Pink-Lady'
    """
    directory = pathlib.Path(directory)
    files = {name: model_directory(directory).find(name) for name in (MODEL_FILE, METADATA_FILE)}
    missing = [name for name, path in files.items() if not path.is_file()]
    if missing:
        raise ValueError(
            f"This is no model directory: {' and '.join(missing)} missing. Expected one written by "
            f"keras_crosspool.train. Received: {directory}"
        )
    metadata = read_record(ModelMetadata, files[METADATA_FILE], "train again or restore it")
    model = _read_model(files[MODEL_FILE])
    _check_match(model, metadata, directory)
    if not isinstance(model, CrossPoolClassifier):
        model = from_version_0_1(model, metadata)
    elif type(model.classifier) is keras.layers.Dense:  # from before logits had a limit
        limited = LimitedDense.of(model.classifier)
        model = model.to_keep(model.class_names, model.task, model.thresholds, limited)
    model.compile_by_default()
    return model, metadata


def load(directory):
    """Loads the classifier of a model directory.

    Args:
        directory: path of a directory that training wrote.

    Returns:
        `CrossPoolClassifier`, compiled, with its `class_names`, `task` and `thresholds`.

    Raises:
        ValueError: if the directory is no whole model directory.

    Example:

    >>> model = keras_crosspool.load("quickstart/model")  # doctest: +SKIP
    >>> model.class_names[int(model.predict(images)[0].argmax())]  # doctest: +SKIP
    'Pink-Lady'
    """
    return load_model(directory)[0]


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
            f"images of {side} px, and the model has {logits} logits and takes images of "
            f"{' x '.join(map(str, shape))}; train again or restore it. Received: {directory}"
        )
    if metadata.thresholds is not None and len(metadata.thresholds) != classes:
        raise ValueError(
            f"{METADATA_FILE} is damaged: it has {len(metadata.thresholds)} thresholds for "
            f"{classes} classes; train again or restore it. Received: {directory}"
        )
    _check_same_classes(model, metadata, directory)


def _check_same_classes(model, metadata, directory):
    """Refuses metadata that calls the logits something else than the model itself does."""
    if not isinstance(model, CrossPoolClassifier):
        return  # version 0.1 kept the names in the metadata alone
    pairs = {
        "class_names": (model.class_names, metadata.class_names),
        "task": (model.task, metadata.task),
        "thresholds": (model.thresholds, metadata.thresholds),
    }
    for name, (own, other) in pairs.items():
        if own != other:
            raise ValueError(
                f"{METADATA_FILE} does not belong to {MODEL_FILE}: their {name} differ, so answers "
                f"would be wrong; train again or restore it. Received: {directory}, {name} "
                f"{shortened(other, _MOST_NAMES)}, not {shortened(own, _MOST_NAMES)}"
            )


def check_replaceable(directory):
    """Refuses to put a model directory where something else stands, or nothing can be written.

    Raises:
        ValueError: if `directory` exists, is not empty and is no model directory.
        OSError: if it cannot be written.
    """
    directory = pathlib.Path(directory)
    owned = model_directory(directory)
    known = all(owned.find(name).is_file() for name in (MODEL_FILE, METADATA_FILE))
    if directory.exists() and not known and not (directory.is_dir() and owned.is_empty()):
        raise ValueError(
            "The output exists and is no model directory, so it is not replaced: name another one. "
            f"Received: {directory}"
        )
    owned.check()
