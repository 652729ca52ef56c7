"""A split: labelled, encoded pictures and the classes they belong to."""

import dataclasses
from collections.abc import Callable, Mapping


@dataclasses.dataclass(frozen=True)
class Split:
    """Labelled pictures of one split, still encoded.

    Attributes:
        name: str, the split's name.
        class_names: tuple of str; a label is an index into it.
        size: int, number of pictures.
        fingerprint: str, sha256 that changes whenever the pictures or labels do.
        encoded: function without arguments giving a `tf.data.Dataset` of
            `(bytes, label, picture name)` in a fixed order.
        skipped: tuple of str, the broken pictures left out, when that was allowed.
        coarse_names: mapping from class to coarse class; empty when there are none.
    """

    name: str
    class_names: tuple[str, ...]
    size: int
    fingerprint: str
    encoded: Callable
    skipped: tuple[str, ...] = ()
    coarse_names: Mapping[str, str] = dataclasses.field(default_factory=dict)


def open_split(data, split, class_names=None, skip_broken=False):
    """Opens a split of a folder of pictures or of a TFDS data set.

    Args:
        data: str, a folder laid out as `split/class/*.jpg`, or `"tfds:NAME"`.
        split: str, name of the split, such as `"train"`; TFDS slices such as `"train[:80%]"`
            work too.
        class_names: sequence of str, the classes of a model; labels become indices into it.
            Defaults to the classes of the data, sorted.
        skip_broken: bool, whether pictures that cannot be decoded are left out instead of
            stopping. Defaults to `False`.

    Returns:
        A `Split`.

    Raises:
        ValueError: if the folder, the split or its classes are not as expected, a picture is
            broken, or the TFDS name is unknown.

    Example:

    >>> split = open_split("data/grocery_mini", "test")
    >>> split.size, len(split.class_names), split.coarse_names["Anjou"]
    (192, 16, 'Pear')
    """
    if str(data).startswith("tfds:"):
        from keras_crosspool.data.tfds import open_tfds_split

        return open_tfds_split(str(data).removeprefix("tfds:"), split, class_names, skip_broken)
    from keras_crosspool.data.folder import open_folder_split

    return open_folder_split(data, split, class_names, skip_broken)


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
