"""Data sets of the TensorFlow Datasets catalogue, or built by its folder builders."""

import collections
import pathlib
import re

import numpy as np
from absl import logging

from keras_crosspool.data.checking import check_images, fingerprint
from keras_crosspool.data.image_error import ImageError
from keras_crosspool.data.reading import MAX_MEGAPIXELS
from keras_crosspool.data.split import Split, label_indices
from keras_crosspool.data.tfds_labels import UNLABELLED, find_labels
from keras_crosspool.keras_backend import keep_tensorflow_off_gpus

_INFO_FILE = "dataset_info.json"


def open_tfds_split(
    name,
    split,
    class_names=None,
    skip_broken=False,
    data_dir=None,
    max_megapixels=MAX_MEGAPIXELS,
):
    """Opens a split of a TFDS data set with `image` and `label` or `labels`; see `open_split`.

    The coarse class of each class is read from `coarse_names` in the data set's metadata.
    """
    keep_tensorflow_off_gpus()  # here, since what it reads is solved and evaluated on too
    builder = _builder(name, data_dir)
    feature = _label_feature(name, builder.info.features)
    if not builder.info.splits:
        _prepare(builder, name)
    examples = _Examples(builder, split, feature, _split_size(builder, name, split))
    class_names = tuple(class_names or feature.class_names)
    index = label_indices(feature.class_names, class_names)
    checked, labels = _check(examples, skip_broken, max_megapixels)
    used = [i for i, image in enumerate(checked) if not image.reason and labels[i] is not None]
    if not used:
        raise ValueError(f"No image of the split is labelled. Received: tfds:{name}, {split}")
    left_out = collections.Counter(image.reason for image in checked if image.reason)
    left_out[UNLABELLED] = len(checked) - len(used) - left_out.total()
    task = feature.task
    labels = [task.label([index[c] for c in labels[i]], len(class_names)) for i in used]
    return Split(
        name=split,
        class_names=class_names,
        size=len(used),
        fingerprint=fingerprint(
            f"{checked[i].name} {';'.join(sorted(task.label_names(label, class_names)))} "
            f"{checked[i].sha256}"
            for i, label in zip(used, labels, strict=True)
        ),
        encoded=lambda indices: examples.encoded([used[index] for index in indices]),
        skipped=tuple(image.name for image in checked if image.reason),
        left_out=dict(+left_out),
        coarse_names=_coarse_names(builder.info.metadata, class_names),
        task=task,
        names=tuple(checked[i].name for i in used),
        labels=np.array(labels, "int32"),
        max_megapixels=max_megapixels,
    )


class _Examples:
    """The examples of a split in a fixed order, their images still encoded.

    Args:
        builder: `tfds.core.DatasetBuilder`, prepared.
        split: str.
        feature: `TfdsLabels`.
        size: int, number of examples.
    """

    def __init__(self, builder, split, feature, size):
        import tensorflow_datasets as tfds

        self.feature, self.size = feature, size
        self._title = f"{builder.name} {split}"
        self._dataset, self._source = None, None
        decoders = {"image": tfds.decode.SkipDecoding()}
        # The one file format that TFDS reads without tf.data.
        if builder.info.file_format == tfds.core.FileFormat.ARRAY_RECORD:
            self._source = builder.as_data_source(split=split, decoders=decoders)
            return
        config = tfds.ReadConfig(add_tfds_id=True, interleave_cycle_length=1)
        dataset = builder.as_dataset(
            split=split, decoders=decoders, read_config=config, shuffle_files=False
        )
        self._dataset = dataset.map(lambda x: (x["tfds_id"], x["image"], x[feature.feature]))

    def between(self, start=0, stop=None):
        """Goes through examples.

        Yields:
            Name, encoded image and label as the data set has it.

        Raises:
            OSError: if the files of the data set are damaged.
        """
        stop = self.size if stop is None else stop
        if self._source is not None:
            for index in range(start, stop):
                example = self._source[index]
                yield f"{self._title} {index}", example["image"], example[self.feature.feature]
            return
        import tensorflow as tf

        try:
            examples = self._dataset.skip(start).take(stop - start).as_numpy_iterator()
            for name, encoded, label in examples:
                yield name.decode(), encoded, label
        except tf.errors.OpError as error:
            reason = re.sub(r"\{\{.*?\}\}|\[\[.*?\]\]|\[Op:.*", "", error.message).strip()
            raise OSError(
                f"The files of the data set cannot be read: {reason} Received: tfds:{self._title}"
            ) from error

    def encoded(self, indices):
        """The encoded images of rising indices, one after the other."""
        if not indices:
            return
        wanted = set(indices)
        examples = self.between(indices[0], indices[-1] + 1)
        for index, (_, encoded, _) in enumerate(examples, indices[0]):
            if index in wanted:
                yield encoded


def _check(examples, skip_broken, max_megapixels):
    """Decodes every image and reads every label.

    Gives what is known of each image, and the indices of its classes, `None` without a label.
    """
    labels = []

    def items():
        for name, encoded, label in examples.between():
            try:
                labels.append(examples.feature.indices(label))
                yield name, encoded
            except ValueError as error:
                labels.append(None)
                yield name, ImageError("label outside its range", f"{error} Received: {name}")

    def read(item):
        if isinstance(item, ImageError):
            raise item
        return item

    checked = check_images(items(), examples.size, read, skip_broken, max_megapixels)
    return checked, labels


def _label_feature(name, features):
    """The labels of a data set by its features, whose images must be of whole numbers."""
    import tensorflow_datasets as tfds

    features = dict(features.items())
    image, feature = features.get("image"), find_labels(features)
    if feature is None or not isinstance(image, tfds.features.Image):
        raise ValueError(
            "The TFDS data set needs an Image feature `image` and a ClassLabel feature `label`, or "
            "`labels` as a Sequence of ClassLabel or a multi-hot vector of whole numbers. "
            f"Received: tfds:{name} with {', '.join(features)}"
        )
    if np.dtype(image.np_dtype) not in (np.uint8, np.uint16):
        raise ValueError(
            "The images of a TFDS data set must be uint8 or uint16; which number is white in "
            f"others is not said. Received: tfds:{name} with `image` of {image.np_dtype.__name__}"
        )
    return feature


def _split_size(builder, name, split):
    try:
        return builder.info.splits[split].num_examples
    except (KeyError, ValueError) as error:
        splits = ", ".join(builder.info.splits)
        raise ValueError(
            f"tfds:{name} has no such split; it has: {splits}. Received: {split!r}"
        ) from error


def _coarse_names(metadata, class_names):
    """The coarse class of each class; metadata may be none, or of a kind of the data set's own."""
    found = metadata.get("coarse_names", {}) if isinstance(metadata, dict) else {}
    missing = [name for name in class_names if name not in found]
    if found and missing:
        shown = ", ".join(missing[:5])
        logging.warning("coarse classes are not used: the data set has none for %s", shown)
        return {}
    return found


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
