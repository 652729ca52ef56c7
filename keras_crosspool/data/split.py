"""A split: labelled, encoded pictures and the classes they belong to."""

import dataclasses
from collections.abc import Callable, Mapping

import numpy as np

from keras_crosspool.tasks import SINGLE_LABEL, MultiLabel, SingleLabel


@dataclasses.dataclass(frozen=True)
class Split:
    """Labelled pictures of one split, still encoded.

    Attributes:
        name: str, the split's name.
        class_names: tuple of str; a label is an index into it, or multi-hot over it.
        size: int, number of pictures.
        fingerprint: str, sha256 that changes whenever the pictures or labels do.
        encoded: function of two indices, `start` and `stop`, giving a `tf.data.Dataset` of the
            `(bytes, label, picture name)` between them, in a fixed order; by default of all.
        skipped: tuple of str, the broken pictures left out, when that was allowed.
        coarse_names: mapping from class to coarse class; empty when there are none.
        task: the task that the labels are for: `SINGLE_LABEL`, or `MULTI_LABEL` where a label is
            an int vector `(num_classes,)` of zeros and ones.
        groups: tuple of int, the group of each picture; pictures of one group stay together in
            cross-validation. Empty where each stands for itself.
        names: tuple of str, what each picture is called, in the order of `encoded`.
        labels: int32 `(size,)`, or multi-hot `(size, num_classes)`, in that order.
        read: function from an index in that order to the picture's bytes; `None` where the data
            can only be read one after the other.
    """

    name: str
    class_names: tuple[str, ...]
    size: int
    fingerprint: str
    encoded: Callable
    skipped: tuple[str, ...] = ()
    coarse_names: Mapping[str, str] = dataclasses.field(default_factory=dict)
    task: SingleLabel | MultiLabel = SINGLE_LABEL
    groups: tuple[int, ...] = ()
    names: tuple[str, ...] = ()
    labels: np.ndarray | None = dataclasses.field(default=None, compare=False)
    read: Callable | None = None

    def between(self, start, stop):
        """The pictures from index `start` on, up to but without `stop`: a `Split`."""
        size = stop - start
        return dataclasses.replace(
            self,
            size=size,
            encoded=lambda first=0, last=size: self.encoded(start + first, start + last),
            groups=self.groups[start:stop],
            names=self.names[start:stop],
            labels=self.labels[start:stop],
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


def label_indices(classes, class_names):
    """The index of each class among a model's classes.

    Args:
        classes: sequence of str, the classes of the data.
        class_names: sequence of str, the classes of the model.

    Raises:
        ValueError: if a class of the data is none of the model's.
    """
    unknown = sorted(set(classes) - set(class_names))
    if unknown:
        raise ValueError(
            f"The data has {len(unknown)} class(es) that the model was not trained on; the model "
            f"knows {len(class_names)}. Received: {', '.join(unknown[:5])}"
        )
    index = {name: i for i, name in enumerate(class_names)}
    return [index[name] for name in classes]
