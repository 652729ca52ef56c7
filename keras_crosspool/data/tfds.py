"""Data sets of the TensorFlow Datasets catalogue, or built by its folder builders."""

import pathlib

import numpy as np

from keras_crosspool.data.checking import check_pictures, fingerprint
from keras_crosspool.data.split import Split, label_indices
from keras_crosspool.tasks import MULTI_LABEL, SINGLE_LABEL

_INFO_FILE = "dataset_info.json"


def open_tfds_split(name, split, class_names=None, skip_broken=False, data_dir=None):
    """Opens a split of a TFDS data set with `image` and `label` or `labels`; see `open_split`.

    The coarse class of each class is read from `coarse_names` in the data set's metadata.
    """
    builder = _builder(name, data_dir)
    task, classes = _task_and_classes(name, builder.info.features)
    if not builder.info.splits:
        _prepare(builder, name)
    try:
        info = builder.info.splits[split]
    except (KeyError, ValueError) as error:
        splits = ", ".join(builder.info.splits)
        raise ValueError(
            f"tfds:{name} has no such split; it has: {splits}. Received: {split!r}"
        ) from error
    class_names = tuple(class_names or classes)
    indices = label_indices(classes, class_names)
    encoded = _encoded(builder, split, task, indices, len(class_names))
    checked, broken = check_pictures(encoded, info.num_examples, skip_broken)
    lines = [
        f"{picture} {';'.join(sorted(task.label_names(label, class_names)))} {digest}"
        for picture, label, digest in checked
    ]
    return Split(
        name=split,
        class_names=class_names,
        size=info.num_examples - len(broken),
        fingerprint=fingerprint(lines),
        encoded=lambda start=0, stop=None: _between(_without(encoded, broken), start, stop),
        skipped=tuple(broken),
        coarse_names=_coarse_names(builder.info.metadata),
        task=task,
        names=tuple(picture for picture, *_ in checked if picture not in broken),
        labels=np.array([label for picture, label, _ in checked if picture not in broken], "int32"),
    )


def _task_and_classes(name, features):
    """The task of a data set by its features, and its classes."""
    import tensorflow_datasets as tfds

    found = dict.fromkeys(("image", "label", "labels")) | dict(features.items())
    if isinstance(found["image"], tfds.features.Image):
        if isinstance(found["label"], tfds.features.ClassLabel):
            return SINGLE_LABEL, found["label"].names
        inner = getattr(found["labels"], "feature", None)
        if isinstance(inner, tfds.features.ClassLabel):  # Sequence(ClassLabel)
            return MULTI_LABEL, inner.names
        if _is_multi_hot(found["labels"]):
            return MULTI_LABEL, [str(index) for index in range(found["labels"].shape[0])]
    raise ValueError(
        "The TFDS data set needs an Image feature `image` and a ClassLabel feature `label`, or "
        "`labels` as a Sequence of ClassLabel or a multi-hot vector of whole numbers. "
        f"Received: tfds:{name} with {', '.join(features)}"
    )


def _is_multi_hot(feature):
    import tensorflow_datasets as tfds

    if not isinstance(feature, tfds.features.Tensor):
        return False
    return len(feature.shape) == 1 and feature.shape[0] and np.dtype(feature.np_dtype).kind in "bui"


def _coarse_names(metadata):
    """The coarse class of each class; metadata may be none, or of a kind of the data set's own."""
    return metadata.get("coarse_names", {}) if isinstance(metadata, dict) else {}


def _builder(name, data_dir):
    import tensorflow_datasets as tfds

    import keras_crosspool.data.grocery_store  # noqa: F401 (registers its builder)

    if name.startswith(("/", ".", "~")):
        return tfds.builder_from_directory(_prepared_folder(name, data_dir))
    try:
        return tfds.builder(name, data_dir=data_dir)
    # TFDS answers an unknown version by an assertion.
    except (tfds.core.registered.DatasetNotFoundError, ValueError, AssertionError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ValueError(
            f"TFDS knows no such data set ({reason}); `tfds.list_builders()` lists the names, and "
            "a prepared data set is written tfds:/FOLDER or tfds:./FOLDER. "
            f"Received: tfds:{name}{f' in {data_dir}' if data_dir else ''}"
        ) from error


def _prepared_folder(name, data_dir):
    """The one folder of a prepared data set at or below a folder."""
    if data_dir:
        raise ValueError(
            "A prepared data set is where its folder is: leave data_dir out, or name a data set. "
            f"Received: tfds:{name}, data_dir {data_dir}"
        )
    folder = pathlib.Path(name).expanduser()
    found = sorted(path.parent for path in folder.rglob(_INFO_FILE))
    if len(found) != 1:
        names = ", ".join(map(str, found)) or "none"
        raise ValueError(
            f"Expected a folder with one data set that TFDS prepared, which has a {_INFO_FILE}, "
            f"there or below; found: {names}. Received: tfds:{name}"
        )
    return found[0]


def _prepare(builder, name):
    """Downloads a data set and writes it to its folder."""
    import tensorflow_datasets as tfds

    try:
        builder.download_and_prepare()
    # TFDS answers files that must be put there by hand by an assertion.
    except (tfds.core.download.DownloadError, AssertionError) as error:
        reason = " ".join(str(error).split())
        raise OSError(f"The data set cannot be prepared: {reason} Received: tfds:{name}") from error


def _encoded(builder, split, task, indices, num_classes):
    import tensorflow as tf
    import tensorflow_datasets as tfds

    dataset = builder.as_dataset(
        split=split,
        decoders={"image": tfds.decode.SkipDecoding()},
        read_config=tfds.ReadConfig(add_tfds_id=True, interleave_cycle_length=1),
        shuffle_files=False,
    )
    table = tf.constant(indices, tf.int32)
    if task is SINGLE_LABEL:
        return dataset.map(
            lambda x: (x["image"], table[x["label"]], x["tfds_id"]), tf.data.AUTOTUNE
        )
    multi_hot = _is_multi_hot(builder.info.features["labels"])

    def encode(example):
        labels = example["labels"]
        chosen = tf.where(labels)[:, 0] if multi_hot else labels
        hot = tf.one_hot(tf.gather(table, chosen), num_classes, True, False)
        label = tf.cast(tf.reduce_any(hot, axis=0), tf.uint8)
        return example["image"], label, example["tfds_id"]

    return dataset.map(encode, tf.data.AUTOTUNE)


def _without(encoded, broken):
    import tensorflow as tf

    if not broken:
        return encoded
    return encoded.filter(lambda data, label, name: tf.reduce_all(name != tf.constant(broken)))


def _between(encoded, start, stop):
    return encoded.skip(start).take(-1 if stop is None else stop - start)
