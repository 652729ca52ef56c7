"""Opens a split, wherever its pictures are kept."""


def open_split(data, split, class_names=None, skip_broken=False, task=None):
    """Opens a split of a folder of pictures or of a TFDS data set.

    Args:
        data: str, a folder laid out as `split/class/*.jpg`, or with `split/labels.csv` beside the
            pictures of a split, which then have any number of labels; or `"tfds:NAME"`.
        split: str, name of the split, such as `"train"`; TFDS slices such as `"train[:80%]"`
            work too.
        class_names: sequence of str, the classes of a model; labels become indices into it.
            Defaults to the classes of the data, sorted.
        skip_broken: bool, whether pictures that cannot be decoded are left out instead of
            stopping. Defaults to `False`.
        task: str, `"single_label"` or `"multi_label"`, the task of a model, which the labels must
            be for. Defaults to what the data has.

    Returns:
        A `Split`.

    Raises:
        ValueError: if the folder, the split or its classes are not as expected, a picture is
            broken, the TFDS name is unknown, or the labels are for another task.

    Example:

    >>> split = open_split("data/grocery_mini", "test")
    >>> split.size, len(split.class_names), split.coarse_names["Anjou"]
    (192, 16, 'Pear')
    """
    opened = _opener(data)(str(data).removeprefix("tfds:"), split, class_names, skip_broken)
    if task not in (None, opened.task.name):
        raise ValueError(
            f"The pictures are labelled for another task than expected, which is {task}. "
            f"Received: {data}, split {split}, labelled for {opened.task.name}"
        )
    return opened


def _opener(data):
    if str(data).startswith("tfds:"):
        from keras_crosspool.data.tfds import open_tfds_split

        return open_tfds_split
    from keras_crosspool.data.folder import open_folder_split

    return open_folder_split
