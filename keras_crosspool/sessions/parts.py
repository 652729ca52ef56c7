"""Opens what a model is trained on and validated with; parts a folder without splits."""

import dataclasses
import pathlib
from collections.abc import Mapping

import numpy as np
from absl import logging

from keras_crosspool.data import Split, open_split
from keras_crosspool.data.layout import ALL, has_splits
from keras_crosspool.data.split import classes_without_images
from keras_crosspool.data.splits_file import check_rows, file_names, read_splits
from keras_crosspool.names import readable
from keras_crosspool.numerics.share import held_out_share
from keras_crosspool.sessions.assigning import AUTO, with_sessions

TRAIN, VAL = "train", "val"
VAL_SHARE = 0.2
_SHOWN = 5  # names in a message


@dataclasses.dataclass(frozen=True)
class Parts:
    """What a model is trained on and validated with.

    Attributes:
        training: `Split` with sessions.
        validation: `Split`, `None` without any.
        splits: mapping from file to split, for a folder without splits; empty where it has some.
    """

    training: Split
    validation: Split | None
    splits: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def summary(self):
        """How a folder without splits was parted, in one line."""
        used = f"the folder has no splits: {self.training.size} of its photographs are trained on"
        if self.validation is None:
            return f"{used}, none are validated"
        others = " (of other sessions)" if self.training.grouped_by else ""
        return f"{used}, {self.validation.size}{others} validated"


def open_parts(
    data,
    train_split=None,
    val_split=None,
    val_share=None,
    splits=None,
    groups=AUTO,
    seed=0,
    data_dir=None,
    **image_options,
):
    """Opens what a model is trained on and validated with.

    A folder without splits, `class/*.jpg` or images beside one `labels.csv`, is parted by session,
    so that photographs that were taken together are all trained on or all validated.

    Args:
        data: str, as `open_split` takes it.
        train_split: str, the split to train on, where there are splits. Defaults to `"train"`.
        val_split: str, the split to validate with, where there are splits. Defaults to none.
        val_share: float, from 0 to 0.9, the share of photographs to validate with, where there are
            no splits; 0 is none. Defaults to `0.2`.
        splits: path of a table `file,split` with `train` and `val`, where there are no splits:
            what is in which, instead of a draw. Defaults to none.
        groups: as `with_sessions` takes them. Defaults to `"auto"`.
        seed: int, of the draw. Defaults to `0`.
        data_dir: str, folder where TFDS keeps its data sets. Defaults to that of TFDS.
        **image_options: `skip_broken` and `max_megapixels`, as `open_split` takes them.

    Returns:
        `Parts`.

    Raises:
        ValueError: if the data is not as expected, has fewer than two classes, or an argument is
            for data of the other kind.

    Example:

    >>> parts = open_parts("data/grocery_mini/train")  # one folder a class, and no splits
    >>> parts.training.size, parts.validation.size
    (246, 74)
    """
    named = {"train_split": train_split, "val_split": val_split}
    drawn = {"val_share": val_share, "splits": splits}
    # A folder need not tell splits from classes where the split is named.
    if (train_split and pathlib.Path(data, train_split).is_dir()) or has_splits(data):
        _refuse(drawn, "The data has splits: name them by `train_split` and `val_split`", data)
        image_options |= {"data_dir": data_dir}
        return _open_named(data, train_split or TRAIN, val_split, groups, image_options)
    _refuse(
        named, "The folder has no splits to name: it is parted by `val_share` or `splits`", data
    )
    whole = open_split(data, ALL, data_dir=data_dir, **image_options)
    _check_classes(whole, data)
    whole = with_sessions(whole, groups)
    if splits:
        _refuse({"val_share": val_share}, "`splits` says already what is validated", data)
        table = _checked_table(splits, whole)
    else:
        table = _drawn_table(whole, VAL_SHARE if val_share is None else val_share, seed)
    training, validation = _part(whole, table, TRAIN), _part(whole, table, VAL)
    _refuse_classes_without(training, splits)
    # What lies beside the images belongs to neither part: it is counted once.
    return Parts(training, validation and dataclasses.replace(validation, left_out={}), table)


def _refuse(options, advice, data):
    given = [f"`{name}={value}`" for name, value in options.items() if value is not None]
    if given:
        raise ValueError(f"{advice}. Received: {data} with {' and '.join(given)}")


def _check_classes(training, data):
    if len(training.class_names) < 2:
        raise ValueError(
            "Training needs two classes or more. "
            f"Received: {data} with {', '.join(training.class_names)}"
        )


def _open_named(data, train_split, val_split, groups, image_options):
    training = open_split(data, train_split, **image_options)
    _check_classes(training, f"{data}/{train_split}")
    training = with_sessions(training, groups)
    if not val_split:
        return Parts(training, None)
    names, task = training.class_names, training.task.name
    return Parts(training, open_split(data, val_split, names, task=task, **image_options))


def _files(whole):
    return file_names(readable(whole.root), map(pathlib.PurePath, whole.names))


def _checked_table(path, whole):
    table, names = read_splits(path), _files(whole)
    wanted = [TRAIN, VAL] if VAL in table.values() else [TRAIN]
    check_rows(path, table, wanted, names)
    unknown = len(set(names) - table.keys())
    if unknown:
        logging.warning("%d photographs are in no split of %s: they are not used", unknown, path)
    return table


def _drawn_table(whole, share, seed):
    groups = np.array(whole.groups or range(whole.size))
    held_out = held_out_share(whole.labels, groups, share, seed)
    if share > 0:
        _warn_of_classes_without(whole, held_out)
    return {
        name: VAL if held else TRAIN for name, held in zip(_files(whole), held_out, strict=True)
    }


def _warn_of_classes_without(whole, held_out):
    """Names the classes that are not validated."""
    names = classes_without_images(whole.labels[held_out], whole.class_names)
    if names:
        logging.warning(
            "classes that are trained on and not validated: %d of %d, as their photographs are of "
            "too few sessions: %s",
            len(names),
            len(whole.class_names),
            ", ".join(names[:_SHOWN]),
        )


def _refuse_classes_without(training, splits):
    names = classes_without_images(training.labels, training.class_names)
    if names:
        raise ValueError(
            "Classes have no photographs to train on: move some of theirs to the split "
            f"{TRAIN}. Received: {splits} with none of {', '.join(names[:_SHOWN])}"
        )


def _part(whole, table, name):
    """The photographs of a part, `None` without any."""
    indices = [index for index, file in enumerate(_files(whole)) if table.get(file) == name]
    if not indices:
        return None
    part = whole.chosen(indices, name)
    groups = np.unique(part.groups, return_inverse=True)[1]  # numbered without gaps
    return dataclasses.replace(part, groups=tuple(groups.tolist()))
