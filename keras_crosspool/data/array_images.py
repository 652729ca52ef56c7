"""Labelled images from memory: arrays, `tf.data`, `PyDataset` or any iterable of batches."""

import dataclasses
import hashlib

import numpy as np

from keras_crosspool.array_file import scratch_array
from keras_crosspool.data.array_checks import (
    check_images,
    check_shape,
    checked_labels,
    warn_of_classes_without_images,
)
from keras_crosspool.data.split import Split
from keras_crosspool.memory import available_memory
from keras_crosspool.targets import SINGLE_LABEL, TARGETS, MultiLabel, SingleLabel

_MEMORY_SHARE = 0.25  # of what is free; more lies in a scratch file


@dataclasses.dataclass(frozen=True)
class ArrayImages:
    """Labelled images of one size, as the solver reads them: what a `Split` is for files.

    Attributes:
        images: `(n, height, width, 3)`, RGB, 0-255.
        labels: int32 `(n,)`, or multi-hot `(n, num_classes)`.
        class_names: tuple of str.
        task: `SINGLE_LABEL` or `MULTI_LABEL`.
        groups: tuple of int, the group of each image; empty where each stands for itself.
        grouped_by: str, in words where the groups come from; empty without any.
        name: str. Defaults to `"images"`.
    """

    images: np.ndarray
    labels: np.ndarray
    class_names: tuple[str, ...]
    task: SingleLabel | MultiLabel = SINGLE_LABEL
    groups: tuple[int, ...] = ()
    grouped_by: str = ""
    name: str = "images"

    read = None  # no image comes from a file of its own

    @property
    def names(self):
        """What a message calls the images, a tuple of str."""
        return tuple(f"image {index}" for index in range(self.size))

    @property
    def size(self):
        """The number of images."""
        return len(self.images)

    @property
    def fingerprint(self):
        """Hex sha256 of the images and labels."""
        digest = hashlib.sha256(repr((self.images.shape, str(self.images.dtype))).encode())
        for image in self.images:
            digest.update(np.ascontiguousarray(image).tobytes())
        digest.update(np.ascontiguousarray(self.labels, "int64").tobytes())
        return digest.hexdigest()

    def batches(self, image_size, batch_size=32):
        """Batches of `(images, labels)` in order, resized to a square (bilinear, antialiased).

        Args:
            image_size: int, side in pixels.
            batch_size: int. Defaults to `32`.
        """
        return _Batches(self, image_size, batch_size)

    def images_at(self, indices, image_size):
        """As `Split.images_at`."""
        return resized(self.images[indices], image_size)

    def part(self, index, count):
        """One of `count` nearly equal parts, cut in order, counted from 0."""
        start, stop = (self.size * i // count for i in (index, index + 1))
        return dataclasses.replace(
            self,
            images=self.images[start:stop],
            labels=self.labels[start:stop],
            groups=self.groups[start:stop],
        )


@dataclasses.dataclass(frozen=True)
class _Batches:
    images: ArrayImages
    image_size: int
    batch_size: int

    def __len__(self):
        return -(-self.images.size // self.batch_size)

    def __iter__(self):
        for start in range(0, self.images.size, self.batch_size):
            chosen = slice(start, start + self.batch_size)
            yield (
                resized(self.images.images[chosen], self.image_size),
                self.images.labels[chosen],
            )


def resized(images, size):
    """Images resized to a square as files are decoded: bilinear, antialiased.

    Args:
        images: `(n, height, width, 3)`.
        size: int, side in pixels.

    Returns:
        The images themselves if they have that size, else float32 `(n, size, size, 3)`.
    """
    if images.shape[1:3] == (size, size):
        return images
    from keras import ops

    images = ops.convert_to_tensor(np.asarray(images, "float32"))
    return ops.convert_to_numpy(ops.image.resize(images, (size, size), "bilinear", antialias=True))


def labelled_images(x, y, class_names, task):
    """Labelled images of whatever `CrossPoolClassifier.solve` takes.

    Args:
        x: `Split`, array of images, or iterable of `(images, labels)`, batched or not.
        y: labels of an array, otherwise `None`.
        class_names: tuple of str, of the model.
        task: str, of the model.

    Returns:
        `Split` or `ArrayImages`.

    Raises:
        ValueError: if images or labels are not as expected.
    """
    if isinstance(x, Split):
        return _checked_split(x, y, class_names, task)
    if x is None:
        raise ValueError("Expected images, or a data set of images and labels. Received: None")
    if y is None:
        images, labels = _collected(x)
    else:
        images, labels = np.asarray(x), np.asarray(y)
    check_images(images)
    if labels.ndim == 0 or not len(images):
        raise ValueError(
            "Expected some images with a label each. Received: images of shape "
            f"{images.shape}, labels of shape {labels.shape}"
        )
    if len(images) != len(labels):
        raise ValueError(
            f"Every image needs its label. Received: {len(images)} images and {len(labels)} labels"
        )
    labels = checked_labels(labels, len(class_names), task)
    warn_of_classes_without_images(labels, class_names)
    return ArrayImages(images, labels, tuple(class_names), TARGETS[task])


def _checked_split(split, y, class_names, task):
    if y is not None:
        raise ValueError("A split has its labels already: leave y out. Received: y")
    if (split.class_names, split.task.name) != (tuple(class_names), task):
        raise ValueError(
            "The split must have the classes and the task of the model: open it with class_names. "
            f"Received: {len(split.class_names)} classes, {split.task.name}; the model has "
            f"{len(class_names)}, {task}"
        )
    return split


def _collected(batches):
    """All images and labels of an iterable, gone through once."""
    rows, labels, images = 0, [], []
    for batch in _finite(batches):
        if not isinstance(batch, tuple | list) or len(batch) != 2:
            parts = f" of {len(batch)} parts" if isinstance(batch, tuple | list) else ""
            raise ValueError(
                "Expected (images, labels) from the data set, without sample weights, or images "
                f"and labels as two arrays. Received: {type(batch).__name__}{parts}"
            )
        shown, batch_labels = (np.asarray(part) for part in batch)
        if shown.ndim == 3:  # one image
            shown, batch_labels = shown[None], batch_labels[None]
        check_shape(shown)
        if len(shown) != len(batch_labels):
            raise ValueError(
                "Every image of a batch needs its label. "
                f"Received: {len(shown)} images and {len(batch_labels)} labels in batch "
                f"{len(images)}"
            )
        images.append(shown)
        labels.append(batch_labels)
        rows += len(shown)
    if not rows:
        raise ValueError("The data set gives no images. Received: no batch")
    shapes = {batch_labels.shape[1:] for batch_labels in labels}
    if len(shapes) > 1:
        raise ValueError(
            "All batches must have labels of one kind. Received: labels of an image of shapes "
            f"{', '.join(map(str, sorted(shapes)))}"
        )
    return _joined(images, rows), np.concatenate(labels)


def _finite(batches):
    """The batches of one pass: a PyDataset is indexed, and a tf.data set must end."""
    if hasattr(batches, "__getitem__") and hasattr(batches, "num_batches"):
        if batches.num_batches is None:
            raise ValueError("The data set must end. Received: a PyDataset of unknown length")
        return (batches[index] for index in range(batches.num_batches))
    if hasattr(batches, "cardinality") and int(batches.cardinality()) == -1:
        raise ValueError(
            "The data set must end: leave out repeat(). Received: an infinite tf.data.Dataset"
        )
    return batches


def _joined(images, rows):
    """Batches as one array: in memory, or in a scratch file where there are many."""
    sizes = {batch.shape[1:] for batch in images}
    if len(sizes) > 1:
        largest = max(max(size[:2]) for size in sizes)
        images = [resized(batch, largest) for batch in images]
    shape = (rows, *images[0].shape[1:])
    dtype = np.result_type(*images)
    if rows * np.prod(shape[1:]) * dtype.itemsize < _MEMORY_SHARE * available_memory():
        return np.concatenate(images)
    joined, start = scratch_array(dtype, shape), 0
    for batch in images:
        joined[start : start + len(batch)] = batch
        start += len(batch)
    return joined
