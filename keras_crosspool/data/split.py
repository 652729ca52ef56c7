"""A split: labelled, encoded images and the classes they belong to."""

import dataclasses
from collections.abc import Callable, Mapping

import numpy as np

from keras_crosspool.data.checking import fingerprint
from keras_crosspool.data.reading import MAX_MEGAPIXELS
from keras_crosspool.names import normalized
from keras_crosspool.targets import SINGLE_LABEL, MultiLabel, SingleLabel


@dataclasses.dataclass(frozen=True)
class Split:
    """Labelled images of one split, still encoded.

    Attributes:
        name: str, the split's name.
        class_names: tuple of str; a label is an index into it, or multi-hot over it.
        size: int, number of images.
        fingerprint: str, sha256 that changes whenever the images or labels do.
        encoded: function of rising indices that gives an iterator over the encoded bytes of the
            images there; the order is fixed.
        skipped: tuple of str, the broken images left out, when that was allowed.
        left_out: mapping from a reason to the number of files or examples that are not used for
            it; the broken ones are among them.
        coarse_names: mapping from class to coarse class; empty when there are none.
        task: the task that the labels are for: `SINGLE_LABEL`, or `MULTI_LABEL` where a label is
            an int vector `(num_classes,)` of zeros and ones.
        groups: tuple of int, the group of each image; images of one group stay together in
            cross-validation. Empty where each stands for itself, or nobody said.
        grouped_by: str, in words where the groups come from; empty without any.
        root: str, the folder of the data; `None` for TFDS.
        names: tuple of str, what each image is called, in that order; valid Unicode.
        labels: int32 `(size,)`, or multi-hot `(size, num_classes)`, in that order.
        read: function from an index in that order to the image's bytes; `None` where the data
            can only be read one after the other.
        max_megapixels: float, the largest image that is decoded.
        digests: tuple of str, of folders what the fingerprint is taken of, in that order: name,
            labels and sha256 of each image.
    """

    name: str
    class_names: tuple[str, ...]
    size: int
    fingerprint: str
    encoded: Callable
    skipped: tuple[str, ...] = ()
    left_out: Mapping[str, int] = dataclasses.field(default_factory=dict)
    coarse_names: Mapping[str, str] = dataclasses.field(default_factory=dict)
    task: SingleLabel | MultiLabel = SINGLE_LABEL
    groups: tuple[int, ...] = ()
    grouped_by: str = ""
    root: str | None = None
    names: tuple[str, ...] = ()
    labels: np.ndarray | None = dataclasses.field(default=None, compare=False)
    read: Callable | None = None
    max_megapixels: float = MAX_MEGAPIXELS
    digests: tuple[str, ...] = dataclasses.field(default=(), repr=False)

    def summary(self):
        """What was used and what was left out, in one line."""
        used = f"{self.name}: {self.size} images"
        if not self.left_out:
            return used
        reasons = ", ".join(f"{count} {reason}" for reason, count in self.left_out.items())
        return f"{used}; left out: {reasons}"

    def batches(self, image_size, batch_size=32):
        """Batches of decoded images in the split's order; see `image_batches`."""
        from keras_crosspool.data.pipeline import ImageBatches  # it needs splits

        return ImageBatches(self, image_size, batch_size)

    def images_at(self, indices, image_size):
        """The decoded images of some indices, in that order.

        Args:
            indices: int `(count,)`.
            image_size: int, side in pixels.

        Returns:
            `(count, image_size, image_size, 3)`, RGB, 0-255.
        """
        from keras_crosspool.data.pipeline import decoded_images_at  # it needs splits

        decoded = decoded_images_at(self, indices, image_size)
        return np.stack([decoded[int(index)] for index in indices])

    def chosen(self, indices, name):
        """Some images of a folder's split, as a `Split` of their own.

        Args:
            indices: sequence of rising int.
            name: str, what they are called.
        """
        indices = [int(index) for index in indices]
        values = {
            field: tuple(getattr(self, field)[i] for i in indices) if getattr(self, field) else ()
            for field in ("groups", "names", "digests")
        }
        return dataclasses.replace(
            self,
            name=name,
            size=len(indices),
            fingerprint=fingerprint(values["digests"]),
            encoded=lambda wanted: self.encoded([indices[index] for index in wanted]),
            labels=self.labels[indices],
            read=self.read and (lambda index: self.read(indices[index])),
            **values,
        )

    def between(self, start, stop):
        """The images from index `start` on, up to but without `stop`: a `Split`."""
        return dataclasses.replace(
            self,
            size=stop - start,
            encoded=lambda indices: self.encoded([start + index for index in indices]),
            groups=self.groups[start:stop],
            names=self.names[start:stop],
            labels=self.labels[start:stop],
            digests=self.digests[start:stop],
            read=self.read and (lambda index: self.read(start + index)),
        )

    def part(self, index, count):
        """One of `count` nearly equal parts of the split, cut in its order.

        Args:
            index: int, which part, counted from 0.
            count: int.

        Returns:
            A `Split`; those of all indices together are this one.
        """
        return self.between(*(self.size * i // count for i in (index, index + 1)))


def classes_without_images(labels, class_names):
    """The names of the classes that no label is of.

    Args:
        labels: int `(n,)`, or multi-hot `(n, num_classes)`.
        class_names: sequence of str.

    Returns:
        List of str.

    Example:

    >>> classes_without_images(np.array([0, 2]), ["apple", "pear", "milk"])
    ['pear']
    """
    if labels.ndim == 1:
        counts = np.bincount(labels, minlength=len(class_names))
    else:
        counts = labels.sum(axis=0)
    return [name for name, count in zip(class_names, counts, strict=True) if not count]


def label_indices(classes, class_names):
    """The index of each class among a model's classes.

    Args:
        classes: sequence of str, the classes of the data.
        class_names: sequence of str, the classes of the model.

    Raises:
        ValueError: if a class of the data is none of the model's.
    """
    index = {normalized(name): i for i, name in enumerate(class_names)}
    unknown = sorted(name for name in set(classes) if normalized(name) not in index)
    if unknown:
        raise ValueError(
            f"The data has {len(unknown)} class(es) that the model was not trained on; the model "
            f"knows {len(class_names)}. Received: {', '.join(unknown[:5])}"
        )
    return [index[normalized(name)] for name in classes]
